namespace ModNet.Runtime;

/// <summary>
/// Looks for another libtorch that the system's dynamic linker knows, such as Debian's libtorch1.13. TorchSharp asks the linker for
/// libtorch by its bare name, so such a library would be loaded in place of the one that fits, and two of them crash a process.
/// </summary>
internal static class OtherLibtorch
{
    private const string Name = "libtorch_cpu.so";

    /// <summary>Whether the dynamic linker would find a libtorch by its bare name.</summary>
    internal static bool IsOnTheSearchPath()
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        string[] folders = (Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        return folders.Any(folder => File.Exists(Path.Combine(folder, Name))) || IsInTheLinkersCache();
    }

    /// <summary>UserException where this process has already loaded another libtorch than the one in this folder.</summary>
    internal static void MustNotBeLoaded(string folder)
    {
        const string maps = "/proc/self/maps";
        string own = Resolved(Path.Combine(folder, Name));
        string? other = !File.Exists(maps)
            ? null
            : File.ReadLines(maps)
                .Where(line => line.EndsWith("/" + Name, StringComparison.Ordinal))
                .Select(line => line[line.IndexOf('/')..])
                .FirstOrDefault(path => Resolved(path) != own);
        if (other is not null)
        {
            throw new UserException(
                "libtorch", $"that of {folder}", $"{other}, loaded already", "call ModNet.Runtime.Libtorch.Load() before the first use of TorchSharp");
        }
    }

    private static bool IsInTheLinkersCache()
    {
        const string cache = "/etc/ld.so.cache";
        try
        {
            return File.Exists(cache) && File.ReadAllBytes(cache).AsSpan().IndexOf("libtorch_cpu.so"u8) >= 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string Resolved(string path) =>
        File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
}
