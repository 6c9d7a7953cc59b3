using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace ModNet.Runtime;

/// <summary>
/// The checksum that a safetensors file carries of itself: SHA-256 of the whole file, with the checksum's own 64 digits taken as zeros. It
/// tells a damaged file from a whole one. It does not protect against forgery.
/// </summary>
internal static class FileSeal
{
    /// <summary>The checksum's name in the header's <c>__metadata__</c>.</summary>
    internal const string Key = "sha256";

    private const int Digits = 64;
    private const int Chunk = 1 << 20;

    /// <summary>The 64 zeros that stand in the checksum's place before it is known.</summary>
    internal static readonly string Blank = new('0', Digits);

    /// <summary>Begins a checksum with a file's <paramref name="start"/>: the length and the header with the blank seal.</summary>
    internal static IncrementalHash Over(ReadOnlySpan<byte> start)
    {
        IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(start);
        return hash;
    }

    /// <summary>Puts the checksum in the place of the blank seal.</summary>
    internal static void Fill(Span<byte> start, IncrementalHash hash) =>
        Replace(start, Blank, Convert.ToHexStringLower(hash.GetHashAndReset()));

    /// <summary>
    /// Reads the whole file once and compares it with its seal. False where there is no seal; FormatException where the file was changed.
    /// </summary>
    internal static bool Verify(Stream file, byte[] header, Dictionary<string, string> strings)
    {
        // The seal is removed from the metadata, because it is not part of what the user keeps there.
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
