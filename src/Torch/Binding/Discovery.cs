namespace ModNet.Torch;

/// <summary>One usable libtorch: its libraries, its headers, its version.</summary>
internal sealed record Installation(string Lib, string Include, string Version, string Source)
{
    internal bool HasCuda => File.Exists(Path.Combine(Lib, "libtorch_cuda.so"));
}

/// <summary>Finds libtorch: MODNET_LIBTORCH, else an installed Python torch, else the distribution's.</summary>
internal static class Discovery
{
    internal const string Variable = "MODNET_LIBTORCH";
    internal const string Remedy =
        "Remedy: `apt-get install libtorch-dev libopenblas0-pthread g++`, or set MODNET_LIBTORCH to a libtorch directory (with lib/ and include/).";

    private static readonly string[] Triplets = ["x86_64-linux-gnu", "aarch64-linux-gnu"];

    internal static Installation Find()
    {
        var looked = new List<string>();
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
            return At(named, Variable, looked) ?? throw Missing(looked);
        if (PythonTorch() is { } python && At(python, "Python torch", looked) is { } fromPython)
            return fromPython;
        foreach (var prefix in (ReadOnlySpan<string>)["/usr", "/usr/local", "/opt/libtorch"])
            if (At(prefix, "system", looked) is { } system)
                return system;
        throw Missing(looked);
    }

    private static LibtorchNotFoundException Missing(List<string> looked) =>
        new($"libtorch not found – expected libtorch.so and its headers (torch/version.h) – looked at: {string.Join("; ", looked)}. {Remedy}");

    private static Installation? At(string prefix, string source, List<string> looked)
    {
        var lib = Triplets.Select(t => Path.Combine(prefix, "lib", t)).Append(Path.Combine(prefix, "lib"))
            .FirstOrDefault(d => File.Exists(Path.Combine(d, "libtorch.so")));
        var include = Path.Combine(prefix, "include");
        var header = VersionHeader(include);
        if (lib is not null && header is not null && VersionIn(header) is { } version)
            return new Installation(Home(Path.Combine(lib, "libtorch.so")), Path.GetFullPath(include), version, source);
        var got = (lib, header) switch
        {
            (null, null) => "neither",
            (null, _) => "headers only",
            _ => "libraries only",
        };
        looked.Add($"{prefix} ({source}): {got}");
        return null;
    }

    // The directory of the library itself: a distribution's Python torch has mere links to it.
    private static string Home(string library) =>
        Path.GetDirectoryName(File.ResolveLinkTarget(library, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(library))!;

    // Since 2.9 the version is in headeronly; the other headers include that one.
    private static string? VersionHeader(string include) =>
        new[] { "torch/headeronly/version.h", "torch/version.h", "torch/csrc/api/include/torch/version.h" }
            .Select(p => Path.Combine(include, p)).FirstOrDefault(File.Exists);

    // #define TORCH_VERSION "1.13.0", on one line or two.
    private static string? VersionIn(string header)
    {
        var text = File.ReadAllText(header);
        var define = text.IndexOf("#define TORCH_VERSION ", StringComparison.Ordinal);
        var open = define < 0 ? -1 : text.IndexOf('"', define);
        var close = open < 0 ? -1 : text.IndexOf('"', open + 1);
        return close < 0 ? null : text[(open + 1)..close];
    }

    // The directory of Python's torch package, read off the file system: importing torch, or even starting Python, takes long.
    private static string? PythonTorch()
    {
        foreach (var directory in PythonPaths())
        {
            var torch = Path.Combine(directory, "torch");
            if (File.Exists(Path.Combine(torch, "lib", "libtorch.so")) && Directory.Exists(Path.Combine(torch, "include")))
                return torch;
        }
        return null;
    }

    private static IEnumerable<string> PythonPaths()
    {
        foreach (var entry in (Environment.GetEnvironmentVariable("PYTHONPATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
            yield return entry;
        var prefixes = new List<string>();
        foreach (var name in (string[])["VIRTUAL_ENV", "CONDA_PREFIX"])
            if (Environment.GetEnvironmentVariable(name) is { Length: > 0 } prefix)
                prefixes.Add(prefix);
        if (Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home)
            prefixes.Add(Path.Combine(home, ".local"));
        // The python3 on the path, its links followed: pyenv, conda, /opt/python…
        foreach (var entry in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            var python = Path.Combine(entry, "python3");
            if (!File.Exists(python))
                continue;
            prefixes.Add(Path.GetDirectoryName(entry)!);
            if (File.ResolveLinkTarget(python, returnFinalTarget: true) is { } target)
                prefixes.Add(Path.GetDirectoryName(Path.GetDirectoryName(target.FullName)!)!);
        }
        prefixes.AddRange(["/usr/local", "/usr"]);
        foreach (var prefix in prefixes.Distinct())
            foreach (var lib in (string[])["lib", "lib64"])
            {
                var root = Path.Combine(prefix, lib);
                if (!Directory.Exists(root))
                    continue;
                foreach (var python in Directory.EnumerateDirectories(root, "python3*").OrderDescending())
                {
                    yield return Path.Combine(python, "site-packages");
                    yield return Path.Combine(python, "dist-packages");
                }
            }
    }
}
