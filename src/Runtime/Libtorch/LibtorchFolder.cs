using System.Runtime.InteropServices;
using TorchSharp;

namespace ModNet.Runtime;

/// <summary>A folder with libtorch's libraries, together with TorchSharp's native library.</summary>
/// <param name="Path">The folder that holds libtorch_cpu and libtorch.</param>
/// <param name="Source">Who named the folder.</param>
/// <param name="Binding">The path of TorchSharp's native library.</param>
internal sealed record LibtorchFolder(string Path, string Source, string Binding)
{
    /// <summary>The environment variable that names another libtorch than the build's.</summary>
    internal const string Variable = "MODNET_LIBTORCH";

    /// <summary>TorchSharp's native library, as .NET names it.</summary>
    internal const string BindingName = "LibTorchSharp";

    // The build of an application leaves this file of two lines beside its assemblies: where the package cache has TorchSharp's native library
    // and libtorch's.
    private const string Note = "libtorch.txt";

    private const string Remedy = "reference the package libtorch-cpu-linux-x64 (or that of your system), or set " + Variable + " to a folder with libtorch's libraries";

    private static string Home => System.IO.Path.GetDirectoryName(typeof(LibtorchFolder).Assembly.Location) is { Length: > 0 } home ? home : AppContext.BaseDirectory;

    /// <summary>
    /// The first of: the folder that <see cref="Variable"/> names, the folder that the build noted, the application's own folder, the
    /// package cache that TorchSharp's assembly lies in.
    /// </summary>
    /// <exception cref="UserException">None of them has the libraries.</exception>
    internal static LibtorchFolder Find()
    {
        (string Path, string Source)[] noted = [.. Noted().Select(p => (p, "package cache, noted by the build"))];
        (string Path, string Source)[] around = [.. noted, .. Own().Select(p => (p, "application")), .. Cached().Select(p => (p, "package cache"))];
        string binding = around.Select(f => System.IO.Path.Combine(f.Path, FileName(BindingName))).FirstOrDefault(File.Exists)
            ?? throw new UserException(
                "TorchSharp",
                $"its native library {FileName(BindingName)}",
                "no such file in " + Listed(around),
                "restore the packages again (in ModNet's own folder: ./modnet doctor)");

        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            string? folder = new[] { named, System.IO.Path.Combine(named, "lib") }.FirstOrDefault(HasLibtorch);
            return folder is null
                ? throw new UserException(
                    $"{Variable}={named}",
                    $"a folder with {FileName("torch_cpu")}, or one whose lib/ has it",
                    Directory.Exists(named) ? "no such file there" : "no such folder",
                    $"name the folder of a libtorch {Libtorch.Expected.ToString(2)}, or unset {Variable} to use the packages'")
                : new LibtorchFolder(System.IO.Path.GetFullPath(folder), Variable, binding);
        }

        (string Path, string Source) found = around.FirstOrDefault(f => HasLibtorch(f.Path));
        return found.Path is null
            ? throw new UserException("libtorch", FileName("torch_cpu"), "no such file in " + Listed(around), Remedy)
            : new LibtorchFolder(found.Path, found.Source, binding);
    }

    /// <summary>Loads libtorch, then TorchSharp's native library, which then finds libtorch by name.</summary>
    /// <exception cref="UserException">A library does not load, or libtorch is of another version than TorchSharp's.</exception>
    internal LoadedLibtorch Load()
    {
        bool hasCuda = File.Exists(In("torch_cuda"));
        nint torchCpu = Open("torch_cpu");
        Version version = VersionOf(torchCpu);
        Version expected = Libtorch.Expected;
        if ((version.Major, version.Minor) != (expected.Major, expected.Minor))
        {
            throw new UserException(
                $"{Source}: {Path}",
                $"libtorch {expected.ToString(2)}, which TorchSharp {Libtorch.TorchSharpVersion} is built for",
                version.Major == 0 ? "an older one" : $"libtorch {version.ToString(3)}",
                Source == Variable ? $"name another folder, or unset {Variable} to use the packages'" : Remedy);
        }

        if (hasCuda)
        {
            Open("torch_cuda");
        }

        Open("torch");
        string path = Binding;
        if (!NativeLibrary.TryLoad(path, out nint handle))
        {
            path = VersionNeed.Relax(Binding) ?? Binding;
            handle = Open(path, path);
        }

        return new LoadedLibtorch(version, Path, Source, path, path != Binding, BlasOf(torchCpu), hasCuda) { Binding = handle };
    }

    private static bool HasLibtorch(string folder) => File.Exists(System.IO.Path.Combine(folder, FileName("torch_cpu")));

    private static string Listed(IEnumerable<(string Path, string Source)> folders) =>
        string.Join(", ", folders.Select(f => f.Path).Distinct()) is { Length: > 0 } list ? list : "any folder that was looked at";

    private static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    private static string[] Noted()
    {
        string note = System.IO.Path.Combine(Home, Note);
        return File.Exists(note) ? [.. File.ReadAllLines(note).Where(line => line.Length > 0)] : [];
    }

    private static IEnumerable<string> Own()
    {
        foreach (string home in new[] { Home, AppContext.BaseDirectory }.Distinct())
        {
            yield return System.IO.Path.Combine(home, "runtimes", Rid, "native");
            yield return home;
        }
    }

    // F# scripts load their packages from the cache: …/torchsharp/VERSION/lib/net8.0/TorchSharp.dll.
    private static IEnumerable<string> Cached()
    {
        string? package = Up(typeof(torch).Assembly.Location, 3);
        string? cache = package is null ? null : Up(package, 2);
        if (cache is null)
        {
            return [];
        }

        // The names of the cache's folders leave out a fourth number that is zero.
        string version = Libtorch.Expected.ToString(Libtorch.Expected.Revision > 0 ? 4 : 3);
        IEnumerable<string> roots = Directory.Exists(cache)
            ? Directory.EnumerateDirectories(cache, $"libtorch-*-{Rid}").Order().Select(p => System.IO.Path.Combine(p, version))
            : [];
        return roots.Prepend(package!).Select(root => System.IO.Path.Combine(root, "runtimes", Rid, "native"));
    }

    private static string? Up(string path, int levels)
    {
        string? at = path;
        for (int i = 0; i < levels; i++)
        {
            at = string.IsNullOrEmpty(at) ? null : System.IO.Path.GetDirectoryName(at);
        }

        return at;
    }

    private static string Rid =>
        (OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")
        + (RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "-arm64" : "-x64");

    // The three highest bytes hold major, minor and patch. libtorch before 2.0 has no such function.
    private static unsafe Version VersionOf(nint torchCpu)
    {
        if (!NativeLibrary.TryGetExport(torchCpu, "aoti_torch_abi_version", out nint function))
        {
            return new Version(0, 0, 0);
        }

        ulong packed = ((delegate* unmanaged<ulong>)function)();
        return new Version((byte)(packed >> 56), (byte)(packed >> 48), (byte)(packed >> 40));
    }

    // Intel's library, which the packages' libtorch contains, tells its name and version.
    private static unsafe string? BlasOf(nint torchCpu)
    {
        if (!NativeLibrary.TryGetExport(torchCpu, "MKL_Get_Version_String", out nint function))
        {
            return null;
        }

        byte* text = stackalloc byte[256];
        ((delegate* unmanaged<byte*, int, void>)function)(text, 256);
        return Marshal.PtrToStringUTF8((nint)text)?.Trim();
    }

    private string In(string library) => System.IO.Path.Combine(Path, FileName(library));

    private nint Open(string library) => Open(In(library), library);

    private nint Open(string file, string what)
    {
        try
        {
            return NativeLibrary.Load(file);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new UserException($"{Source}: {what}", "a library that loads", e.Message.ReplaceLineEndings(" ").Trim(), Remedy);
        }
    }
}

/// <summary>The native libraries that are loaded.</summary>
/// <param name="Version">The version of libtorch that the library itself tells.</param>
/// <param name="Folder">The folder of libtorch.</param>
/// <param name="Source">Who named the folder: an environment variable, the build, the package cache.</param>
/// <param name="BindingPath">The path of TorchSharp's native library.</param>
/// <param name="IsRelaxed">Whether TorchSharp's library is a private copy that needs less of the C++ runtime (<see cref="VersionNeed"/>).</param>
/// <param name="Blas">The library that multiplies matrices, where libtorch contains it and tells; else null.</param>
/// <param name="HasCuda">Whether this libtorch has its CUDA part.</param>
public sealed record LoadedLibtorch(Version Version, string Folder, string Source, string BindingPath, bool IsRelaxed, string? Blas, bool HasCuda)
{
    /// <summary>The handle of TorchSharp's native library.</summary>
    internal nint Binding { get; init; }
}
