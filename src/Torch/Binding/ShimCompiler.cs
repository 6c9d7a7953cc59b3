using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace ModNet.Torch;

/// <summary>Compiles the embedded shim against one libtorch, once; the result is cached per user.</summary>
internal static class ShimCompiler
{
    private static readonly Lazy<string> Source = new(ReadSource);

    // A shim that failed to compile fails again, and takes as long: it is tried once in a process.
    private static readonly Dictionary<string, string> Failed = [];

    internal static string Compiler => Environment.GetEnvironmentVariable("CXX") is { Length: > 0 } cxx ? cxx : "g++";

    /// <summary>Where the shim for this libtorch lies: its name changes with the libtorch, the source and the flags.</summary>
    internal static string PathFor(Installation libtorch)
    {
        var key = string.Join('\n', [Source.Value, libtorch.Lib, libtorch.Include, libtorch.Version, .. Flags(libtorch)]);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..16];
        return Path.Combine(CacheDirectory(), $"libmodnet-torch-{libtorch.Version}-{hash}.so");
    }

    internal static string Compile(Installation libtorch)
    {
        var shim = PathFor(libtorch);
        if (File.Exists(shim))
            return shim;
        if (MissingCompiler() is { } problem)
            throw new LibtorchNotFoundException(problem);
        if (Failed.TryGetValue(shim, out var failure))
            throw new LibtorchNotFoundException(failure);
        Prepare(Path.GetDirectoryName(shim)!);
        // Two processes may compile at once: each writes its own file and renames it into place.
        var scratch = Path.Combine(Path.GetDirectoryName(shim)!, $".{Path.GetFileName(shim)}.{Environment.ProcessId}");
        var source = scratch + ".cpp";
        try
        {
            File.WriteAllText(source, Source.Value);
            if (Run(libtorch, source, scratch) is { } errors)
                throw new LibtorchNotFoundException(Failed[shim] = errors);
            File.Move(scratch, shim, overwrite: true);
        }
        finally
        {
            File.Delete(source);
            File.Delete(scratch);
        }
        return shim;
    }

    /// <summary>Null when the compiler is there, else the message that says how to get it.</summary>
    internal static string? MissingCompiler()
    {
        var compiler = Compiler;
        var found = compiler.Contains('/')
            ? File.Exists(compiler)
            : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(d => File.Exists(Path.Combine(d, compiler)));
        return found
            ? null
            : $"C++ compiler not found – expected `{compiler}` on the PATH, to build the shim over libtorch – got none. {Discovery.Remedy}";
    }

    private static void Prepare(string directory)
    {
        try
        {
            Directory.CreateDirectory(directory);
            var probe = Path.Combine(directory, $".writable.{Environment.ProcessId}");
            File.WriteAllText(probe, "");
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LibtorchNotFoundException(
                $"The shim over libtorch cannot be stored – expected a writable directory {directory} – got: {e.Message} "
                + "Remedy: set XDG_CACHE_HOME to a directory that can be written.");
        }
    }

    private static string ReadSource()
    {
        using var stream = typeof(ShimCompiler).Assembly.GetManifestResourceStream("shim.cpp")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static string CacheDirectory()
    {
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (string.IsNullOrEmpty(cache))
        {
            cache = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        }
        return Path.Combine(cache, "modnet");
    }

    private static List<string> Flags(Installation libtorch)
    {
        // libtorch 2.x headers need C++17, the newest C++20.
        var parts = libtorch.Version.Split('.', '+', 'a');
        var newest = int.Parse(parts[0]) > 2 || (int.Parse(parts[0]) == 2 && int.Parse(parts[1]) >= 10);
        List<string> flags =
        [
            "-O2", "-fPIC", "-shared", newest ? "-std=c++20" : "-std=c++17", "-w",
            $"-D_GLIBCXX_USE_CXX11_ABI={(UsesCxx11Abi(libtorch) ? 1 : 0)}",
            // -I, not -isystem: the latter, given /usr/include, hides the C headers from the C++ ones.
            "-I", libtorch.Include, "-I", Path.Combine(libtorch.Include, "torch/csrc/api/include"),
            "-L", libtorch.Lib, $"-Wl,-rpath,{libtorch.Lib}", "-Wl,--no-as-needed",
            "-ltorch_cpu", "-lc10",
        ];
        // Nothing calls into these: they register the CUDA kernels when they load.
        if (libtorch.HasCuda)
            flags.AddRange(["-ltorch_cuda", "-lc10_cuda"]);
        flags.Add("-ltorch");
        return flags;
    }

    // Older binary packages of PyTorch were built with the pre-C++11 std::string. They carry its mangled name ("Ss") in their exports.
    private static bool UsesCxx11Abi(Installation libtorch)
    {
        var c10 = Path.Combine(libtorch.Lib, "libc10.so");
        return !File.Exists(c10) || File.ReadAllBytes(c10).AsSpan().IndexOf("NSt7__cxx1112basic_string"u8) >= 0;
    }

    // Null, or what went wrong.
    private static string? Run(Installation libtorch, string source, string output)
    {
        var start = new ProcessStartInfo(Compiler) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.ArgumentList.Add(source);
        start.ArgumentList.Add("-o");
        start.ArgumentList.Add(output);
        foreach (var flag in Flags(libtorch))
            start.ArgumentList.Add(flag);
        using var process = Process.Start(start)!;
        var ignored = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        _ = ignored.Result;
        if (process.ExitCode == 0)
            return null;
        var lines = errors.Split('\n').Where(l => l.Contains("error", StringComparison.OrdinalIgnoreCase)).Take(5);
        return $"The shim over libtorch {libtorch.Version} ({libtorch.Include}) did not compile – expected `{Compiler}` to exit with 0 – "
            + $"got {process.ExitCode}:\n{string.Join('\n', lines)}\n{Discovery.Remedy}";
    }
}
