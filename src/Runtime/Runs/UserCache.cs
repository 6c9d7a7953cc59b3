namespace ModNet.Runtime;

/// <summary>The folder in which ModNet keeps what it can make again, for all clones and projects of a user.</summary>
public static class UserCache
{
    /// <summary>
    /// <c>modnet</c> in <c>$XDG_CACHE_HOME</c> or <c>~/.cache</c>. In containers there is often no home, or one that cannot be written: then
    /// it is a folder among the temporary ones.
    /// </summary>
    public static string Folder()
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
        string caches = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } named ? named : Path.Combine(home, ".cache");
        try
        {
            string folder = Path.Combine(caches, "modnet");
            Directory.CreateDirectory(folder);
            return folder;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Path.Combine(Path.GetTempPath(), $"modnet-{Environment.UserName}");
        }
    }
}
