using System.Formats.Tar;

namespace ModNet.Runtime;

/// <summary>Reads tar archives, packed by gzip or not, from front to back with .NET's reader. Nothing is unpacked to the disk.</summary>
internal static class TarFile
{
    // Archivers fill their last record up with zeros; records are of ten kilobytes, or of some megabytes for tapes.
    private const long MostAfterEnd = 64L << 20;

    private const int MagicAt = 257;

    /// <summary>Whether a file is an archive, by its first bytes. One that is packed by gzip is taken for an archive: nothing else that is packed is read.</summary>
    internal static bool IsTar(ReadOnlySpan<byte> bytes) =>
        GzipReader.IsGzip(bytes) || (bytes.Length > MagicAt && bytes[MagicAt..].StartsWith("ustar"u8));

    /// <summary>
    /// Calls <paramref name="read"/> for every regular file, with its name in the archive, its length in bytes, and a stream of its
    /// content. The archive is read to its very end, where a packed one has its checksum. InvalidDataException where it is damaged.
    /// </summary>
    internal static void ForEachFile(byte[] bytes, Action<string, long, Stream> read)
    {
        using Stream archive = GzipReader.IsGzip(bytes) ? new GzipReader(bytes) : new MemoryStream(bytes, writable: false);
        using var reader = new TarReader(archive, leaveOpen: true);
        while (Next(reader) is TarEntry entry)
        {
            if (entry is { EntryType: TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile, DataStream: Stream data })
            {
                read(entry.Name, entry.Length, data);
            }
        }

        ReadToEnd(archive);
    }

    /// <summary>The content of a file in an archive. Memory is taken for what is there and not for what a header claims.</summary>
    internal static byte[] Content(Stream data, long length)
    {
        using var content = new MemoryStream();
        data.CopyTo(content);
        return content.Length == length ? content.ToArray() : throw new InvalidDataException("a tar archive that ends too early");
    }

    // .NET's reader tells of damage by several exceptions, and takes memory for an extended header on that header's word.
    private static TarEntry? Next(TarReader reader)
    {
        try
        {
            return reader.GetNextEntry();
        }
        catch (EndOfStreamException)
        {
            throw new InvalidDataException("a tar archive that ends too early");
        }
        catch (Exception e) when (e is InvalidDataException { Source: "System.Formats.Tar" } or FormatException or ArgumentException
            or InvalidOperationException or NotSupportedException or OverflowException or OutOfMemoryException)
        {
            throw new InvalidDataException("a tar archive with a damaged header");
        }
    }

    // Two blocks of zeros end an archive, of which .NET's reader reads one. An archive without them was cut off.
    private static void ReadToEnd(Stream archive)
    {
        byte[] dropped = new byte[512];
        long after = 0;
        for (int read = archive.Read(dropped); read > 0; read = archive.Read(dropped))
        {
            after += read;
            if (after > MostAfterEnd)
            {
                throw new InvalidDataException("a tar archive with more after its end");
            }
        }

        if (after == 0)
        {
            throw new InvalidDataException("a tar archive that ends too early");
        }
    }
}
