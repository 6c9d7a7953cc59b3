using System.Text;

namespace ModNet.Runtime;

/// <summary>
/// Reads tar archives, front to back. Nothing is unpacked to the disk, and no memory is taken on the word of a header: entries are
/// skipped or read as their bytes come.
/// </summary>
internal static class TarFile
{
    private const int Block = 512;
    private const int NameBytes = 100;
    private const int SizeAt = 124;
    private const int SizeBytes = 12;
    private const int ChecksumAt = 148;
    private const int ChecksumBytes = 8;
    private const int TypeAt = 156;

    // Archivers fill their last record up with zeros; records are of ten kilobytes, or of some megabytes for tapes.
    private const long MostAfterEnd = 64L << 20;

    /// <summary>
    /// Calls <paramref name="read"/> for every regular file with the name in its header, its length, and a stream of the archive that
    /// stands at its first byte; it reads all of the file, or nothing and says false. InvalidDataException where this is no tar archive.
    /// </summary>
    internal static void ForEachFile(Stream archive, Func<string, long, Stream, bool> read)
    {
        byte[] header = new byte[Block];
        while (true)
        {
            // A block of zeros ends an archive; without one it was cut off, be it at an entry's end.
            if (archive.ReadAtLeast(header, Block, throwOnEndOfStream: false) < Block)
            {
                throw new InvalidDataException("a tar archive that ends too early");
            }

            if (!header.AsSpan().ContainsAnyExcept((byte)0))
            {
                ReadToEnd(archive);
                return;
            }

            if (Number(header.AsSpan(ChecksumAt, ChecksumBytes)) != Checksum(header))
            {
                throw new InvalidDataException("a tar archive with a damaged header");
            }

            // Links, folders and devices have no bytes, whatever their size says; extended headers do, and are passed over.
            char type = (char)header[TypeAt];
            long size = type is >= '1' and <= '6' ? 0 : Number(header.AsSpan(SizeAt, SizeBytes));
            bool isFile = type is '0' or '\0' or '7';
            bool taken = isFile && read(Name(header), size, archive);
            Skip(archive, (taken ? 0 : size) + (Block - size % Block) % Block);
        }
    }

    private static string Name(ReadOnlySpan<byte> header)
    {
        ReadOnlySpan<byte> name = header[..NameBytes];
        int end = name.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? name : name[..end]);
    }

    // Octal digits between blanks, or, where the first bit is set, a number of 95 bits, of which none here needs more than 63.
    private static long Number(ReadOnlySpan<byte> field)
    {
        long number = 0;
        if ((field[0] & 0x80) != 0)
        {
            throw new InvalidDataException("a tar archive with a file of more than 8 GiB");
        }

        foreach (byte digit in field.Trim(" \0"u8))
        {
            number = digit is >= (byte)'0' and <= (byte)'7'
                ? number * 8 + (digit - '0')
                : throw new InvalidDataException("a tar archive with a damaged header");
        }

        return number;
    }

    private static long Checksum(ReadOnlySpan<byte> header)
    {
        long sum = ' ' * ChecksumBytes;
        for (int i = 0; i < Block; i++)
        {
            sum += i is >= ChecksumAt and < ChecksumAt + ChecksumBytes ? 0 : header[i];
        }

        return sum;
    }

    // Where an archive is packed, the checksum of all that was packed is at the very end, and is verified when that is reached.
    private static void ReadToEnd(Stream archive)
    {
        byte[] dropped = new byte[Block];
        long after = 0;
        for (int read = archive.Read(dropped, 0, Block); read > 0; read = archive.Read(dropped, 0, Block))
        {
            after += read;
            if (after > MostAfterEnd)
            {
                throw new InvalidDataException("a tar archive with more after its end");
            }
        }
    }

    private static void Skip(Stream archive, long count)
    {
        byte[] dropped = new byte[Block];
        while (count > 0)
        {
            int read = archive.Read(dropped, 0, (int)Math.Min(Block, count));
            if (read == 0)
            {
                throw new InvalidDataException("a tar archive that ends too early");
            }

            count -= read;
        }
    }
}
