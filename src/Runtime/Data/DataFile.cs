using System.Security.Cryptography;

namespace ModNet.Runtime;

/// <summary>A file from which data were read, as <c>summary.json</c> records it.</summary>
/// <param name="Name">The file's name, without its directory.</param>
/// <param name="Bytes">The file's length in bytes.</param>
/// <param name="Sha256">The SHA-256 of its bytes as they are on the disk, in lower-case hexadecimal.</param>
public sealed record DataFile(string Name, long Bytes, string Sha256)
{
    /// <summary>Reads the file once for its checksum. UserException where it cannot be read.</summary>
    public static DataFile Of(string path) => Reading(path, () =>
    {
        using FileStream stream = File.OpenRead(path);
        return new DataFile(Path.GetFileName(path), stream.Length, Convert.ToHexStringLower(SHA256.HashData(stream)));
    });

    /// <summary>A file of these bytes, on the disk or in an archive.</summary>
    internal static DataFile Of(string name, byte[] bytes) => new(name, bytes.Length, Convert.ToHexStringLower(SHA256.HashData(bytes)));

    /// <summary>Runs <paramref name="body"/>, which reads a file. UserException where the file cannot be read or is damaged.</summary>
    internal static TResult Reading<TResult>(string path, Func<TResult> body)
    {
        try
        {
            return body();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or NotSupportedException)
        {
            throw new UserException(
                path, "a whole file that can be read", e.Message.TrimEnd('.'), "see that it is there, readable and complete");
        }
    }
}
