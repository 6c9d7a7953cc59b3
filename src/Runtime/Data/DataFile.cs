using System.Security.Cryptography;

namespace ModNet.Runtime;

/// <summary>A file that data were read from, as a run's record names it.</summary>
/// <param name="Name">The file's name, without its directory.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">Of its bytes as they lie on the disk, in lower-case hexadecimal.</param>
public sealed record DataFile(string Name, long Bytes, string Sha256)
{
    /// <summary>Reads the file once for its checksum.</summary>
    public static DataFile Of(string path) => Reading(path, () =>
    {
        using FileStream stream = File.OpenRead(path);
        return new DataFile(Path.GetFileName(path), stream.Length, Convert.ToHexStringLower(SHA256.HashData(stream)));
    });

    /// <summary>Runs <paramref name="body"/>, which reads a file; one that cannot be read is the user's to mend.</summary>
    internal static TResult Reading<TResult>(string path, Func<TResult> body)
    {
        try
        {
            return body();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            // Of a packed file whose checksum is another, .NET says that it was packed in a way that it does not know.
            bool isPacking = e is InvalidDataException { Source: "System.IO.Compression" };
            throw new UserException(
                path, "a whole file that can be read", isPacking ? "a damaged packed file" : e.Message.TrimEnd('.'),
                "see that it is there, readable and complete");
        }
    }
}
