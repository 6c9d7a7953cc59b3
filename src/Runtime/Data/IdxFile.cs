using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ModNet.Runtime;

/// <summary>
/// Reads the idx format of MNIST: two zero bytes, a type (8 for bytes), the number of dimensions, each dimension as a big-endian 32-bit
/// number, then the values. A file is packed with gzip where its name ends in <c>.gz</c>.
/// </summary>
internal static class IdxFile
{
    private const byte Bytes = 8;

    // Deflate packs at most 1,032 bytes into one, which bounds what a packed file can hold, whatever its header claims.
    private const long MostPerPackedByte = 1032;

    /// <summary>Reads a file of so many dimensions. Its header is compared with its length before memory is taken. UserException where it is damaged.</summary>
    internal static IdxValues Read(string path, int dimensions) => DataFile.Reading(path, () =>
    {
        FileBytes file = FileBytes.Read(path);
        bool packed = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
        using Stream stream = packed ? new GzipReader(file.Bytes) : new MemoryStream(file.Bytes, writable: false);
        var header = new byte[4 + 4 * dimensions];
        if (stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length)
        {
            throw Wrong(path, $"an idx header of {header.Length} bytes", "a shorter file");
        }

        if (header[0] != 0 || header[1] != 0 || header[2] != Bytes || header[3] != dimensions)
        {
            throw Wrong(
                path, $"an idx file of bytes in {dimensions} dimensions (00 00 08 {dimensions:X2})",
                $"a file that begins with {header[0]:X2} {header[1]:X2} {header[2]:X2} {header[3]:X2}");
        }

        var shape = new long[dimensions];
        decimal count = 1;
        for (int d = 0; d < dimensions; d++)
        {
            shape[d] = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4 + 4 * d));
            count *= shape[d];
        }

        string told = $"{string.Join(" × ", shape)} values, as its header says";
        if (count > Array.MaxLength || (packed ? count > file.Bytes.LongLength * MostPerPackedByte : count != file.Bytes.Length - header.Length))
        {
            throw Wrong(path, told, $"{(packed ? "a packed file" : "a file")} of {file.Bytes.Length} bytes");
        }

        var values = new byte[(long)count];
        int read = stream.ReadAtLeast(values, values.Length, throwOnEndOfStream: false);
        if (read < values.Length || stream.ReadByte() >= 0)
        {
            throw Wrong(path, told, read < values.Length ? $"{read}" : "more");
        }

        return new IdxValues(file.File, header, shape, values);
    });

    private static UserException Wrong(string path, string expected, string got) =>
        new(path, expected, got, "download the file again");
}

/// <summary>What an idx file holds, packed or not.</summary>
internal sealed record IdxValues(DataFile File, byte[] Header, long[] Shape, byte[] Values)
{
    /// <summary>The file as it is when it is not packed, under the name of what is in it.</summary>
    internal DataFile Unpacked(string name)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Header);
        hash.AppendData(Values);
        return new(name, Header.LongLength + Values.LongLength, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }
}
