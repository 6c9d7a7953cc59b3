namespace ModNet.Bench;

/// <summary>The Python that the peer runs in.</summary>
public static class PeerPython
{
    /// <summary><c>MODNET_PYTHON</c>, else the distribution's, which is the one that has Debian's python3-torch.</summary>
    public static string Path =>
        Environment.GetEnvironmentVariable("MODNET_PYTHON") is { Length: > 0 } named ? named : "/usr/bin/python3";

    /// <summary>Whether there is a Python with torch, by the looks of the file system where it is Debian's.</summary>
    public static bool HasTorch =>
        Environment.GetEnvironmentVariable("MODNET_PYTHON") is { Length: > 0 }
        || (File.Exists(Path) && File.Exists("/usr/lib/python3/dist-packages/torch/__init__.py"));
}
