using System.Runtime.InteropServices;

namespace ModNet.Torch;

/// <summary>What was found of libtorch on this machine. <c>Version</c> is null when nothing usable was found; <c>Problem</c> then says why.</summary>
/// <param name="Version">libtorch's version, from its headers.</param>
/// <param name="LibraryDirectory">The directory of libtorch.so.</param>
/// <param name="IncludeDirectory">The directory that holds torch/ and ATen/.</param>
/// <param name="Source">How it was found: MODNET_LIBTORCH, Python, or the system.</param>
/// <param name="HasCuda">Whether this libtorch was built with CUDA.</param>
/// <param name="ShimPath">The compiled shim, present or to be.</param>
/// <param name="ShimCached">Whether the shim has been compiled already.</param>
/// <param name="Problem">The full message of what is missing, or null.</param>
public sealed record LibtorchInfo(
    string? Version, string? LibraryDirectory, string? IncludeDirectory, string? Source,
    bool HasCuda, string? ShimPath, bool ShimCached, string? Problem);

/// <summary>The libtorch in use: found, its shim compiled once and cached, loaded once per process.</summary>
public static unsafe class Libtorch
{
    private static readonly Lock Gate = new();
    private static volatile bool loaded;
    private static string? loadedFrom;

    /// <summary>Loads libtorch, compiling the shim first if this version has none yet. Does nothing when already loaded.</summary>
    /// <exception cref="LibtorchNotFoundException">libtorch, its headers or the compiler is missing.</exception>
    public static void EnsureLoaded()
    {
        if (loaded)
            return;
        lock (Gate)
        {
            if (loaded)
                return;
            var installation = Discovery.Find();
            var shim = ShimCompiler.Compile(installation);
            LoadShim(installation, shim);
            loadedFrom = shim;
            loaded = true;
        }
    }

    /// <summary>Looks without loading, compiling or throwing.</summary>
    public static LibtorchInfo Probe()
    {
        try
        {
            var found = Discovery.Find();
            var shim = ShimCompiler.PathFor(found);
            return new LibtorchInfo(
                found.Version, found.Lib, found.Include, found.Source, found.HasCuda, shim, File.Exists(shim),
                File.Exists(shim) ? null : ShimCompiler.MissingCompiler());
        }
        catch (LibtorchNotFoundException e)
        {
            return new LibtorchInfo(null, null, null, null, false, null, false, e.Message);
        }
    }

    /// <summary>The path of the loaded shim, or null before the first use.</summary>
    public static string? LoadedShim => loadedFrom;

    /// <summary>libtorch's build settings (BLAS, SIMD capability, compiler), as text.</summary>
    public static string BuildConfiguration() => Text(() => Native.Config());

    /// <summary>libtorch's threads (OpenMP, MKL, intra- and inter-operator), as text.</summary>
    public static string ParallelConfiguration() => Text(() => Native.ParallelInfo());

    /// <summary>The number of native tensor references held by .NET objects.</summary>
    public static long LiveHandles
    {
        get
        {
            EnsureLoaded();
            return Native.Live();
        }
    }

    private static string Text(Func<nint> read)
    {
        EnsureLoaded();
        return Marshal.PtrToStringUTF8(read()) ?? "";
    }

    private static void LoadShim(Installation installation, string shim)
    {
        IdleThreads.Sleep();
        try
        {
            Native.Bind(NativeLibrary.Load(shim));
        }
        catch (DllNotFoundException e)
        {
            throw new LibtorchNotFoundException(
                $"libtorch {installation.Version} in {installation.Lib} cannot be loaded: {e.Message.Split('\n')[0]} – "
                + $"expected a libtorch whose own libraries are all installed. {Discovery.Remedy}");
        }
        Native.SetThreads(Threads());
        FreedMemory.Keep();
    }

    // libtorch may start with one thread.
    private static long Threads()
    {
        foreach (var name in (ReadOnlySpan<string>)["MODNET_THREADS", "OMP_NUM_THREADS"])
            if (int.TryParse(Environment.GetEnvironmentVariable(name), out var n) && n > 0)
                return n;
        return Environment.ProcessorCount;
    }
}
