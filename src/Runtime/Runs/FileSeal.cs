using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace ModNet.Runtime;

/// <summary>
/// The checksum that a safetensors file carries of itself: SHA-256 of the whole file, its own 64 digits taken as zeros. It tells a
/// damaged file from a whole one; it is no protection against someone who means harm.
/// </summary>
internal static class FileSeal
{
    /// <summary>What it is called in the header's <c>__metadata__</c>.</summary>
    internal const string Key = "sha256";

    private const int Digits = 64;
    private const int Chunk = 1 << 20;

    /// <summary>What stands in its place before it is known.</summary>
    internal static readonly string Blank = new('0', Digits);

    /// <summary>Begins a checksum over a file's <paramref name="start"/>: length and header, with the blank seal.</summary>
    internal static IncrementalHash Over(ReadOnlySpan<byte> start)
    {
        IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(start);
        return hash;
    }

    /// <summary>Puts the checksum in the blank seal's place.</summary>
    internal static void Fill(Span<byte> start, IncrementalHash hash) =>
        Replace(start, Blank, Convert.ToHexStringLower(hash.GetHashAndReset()));

    /// <summary>
    /// Reads the whole file once. FormatException where it is not what the seal was put on; false where there is none.
    /// </summary>
    internal static bool Verify(Stream file, byte[] header, Dictionary<string, string> strings)
    {
        // What files say of themselves is no part of what was to be kept in them.
        if (!strings.Remove(Key, out string? seal))
        {
            return false;
        }

        byte[] start = new byte[8 + header.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(start, (ulong)header.Length);
        header.CopyTo(start, 8);
        if (seal.Length != Digits || !seal.All(char.IsAsciiHexDigitLower))
        {
            throw new FormatException("a damaged file: its checksum is none");
        }

        Replace(start, seal, Blank);
        using IncrementalHash hash = Over(start);
        file.Position = start.Length;
        byte[] chunk = new byte[Math.Min(Chunk, Math.Max(1, file.Length - start.Length))];
        for (int read = file.Read(chunk); read > 0; read = file.Read(chunk))
        {
            hash.AppendData(chunk.AsSpan(0, read));
        }

        string found = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (found != seal)
        {
            throw new FormatException($"a damaged file: its checksum is {found[..8]}…, and it says {seal[..8]}…");
        }

        return true;
    }

    private static void Replace(Span<byte> start, string seal, string by)
    {
        byte[] before = Encoding.ASCII.GetBytes($"\"{Key}\":\"");
        int at = start.IndexOf((ReadOnlySpan<byte>)[.. before, .. Encoding.ASCII.GetBytes(seal)]);
        if (at < 0)
        {
            throw new FormatException("a damaged file: its checksum is not in its place");
        }

        Encoding.ASCII.GetBytes(by, start[(at + before.Length)..]);
    }
}
