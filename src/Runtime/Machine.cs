using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What ModNet runs on: the native libraries, what they can do, and what is missing.</summary>
public static class Machine
{
    private static readonly string[] FastBlas = ["openblas", "mkl", "blis", "atlas"];

    /// <summary>Loads libtorch, building what stands between it and .NET if need be. UserException where it is missing.</summary>
    public static void EnsureReady()
    {
#if !TORCHSHARP_PACKAGE
        try
        {
            ModNet.Torch.Libtorch.EnsureLoaded();
        }
        catch (ModNet.Torch.LibtorchNotFoundException missing)
        {
            throw new UserException(missing.Message);
        }
#endif
    }

    /// <summary>Name and value of everything worth knowing; needs <see cref="EnsureReady"/>.</summary>
    public static IEnumerable<(string Name, string Value)> Describe()
    {
        yield return (".NET", Environment.Version.ToString());
        yield return ("system", RuntimeInformation.OSDescription);
        yield return ("processor", $"{Processor()}, {Environment.ProcessorCount} cores");
        yield return ("SIMD (.NET)", Simd());
#if TORCHSHARP_PACKAGE
        yield return ("libtorch", $"{__version__}, of the TorchSharp package");
#else
        ModNet.Torch.LibtorchInfo found = ModNet.Torch.Libtorch.Probe();
        yield return ("libtorch", $"{found.Version} in {found.LibraryDirectory} ({found.Source})");
        yield return ("shim", found.ShimPath ?? "none");
#endif
        yield return ("BLAS", Blas() ?? "none that is fast");
        yield return ("threads", $"{get_num_threads()}");
        yield return ("devices", cuda.is_available() ? $"cpu, {cuda.device_count()} CUDA" : "cpu");
        yield return ("matrix product", $"{MatrixProductSpeed():F1} GFLOP/s (1024×1024, float32, cpu)");
    }

    /// <summary>What slows ModNet down although it works, each with its remedy; needs <see cref="EnsureReady"/>.</summary>
    public static IEnumerable<string> Shortcomings()
    {
        if (Blas() is null)
        {
            yield return "no fast BLAS is loaded, so matrix products are an order slower – apt-get install libopenblas0-pthread";
        }

        if (get_num_threads() < Environment.ProcessorCount)
        {
            yield return $"libtorch uses {get_num_threads()} of {Environment.ProcessorCount} cores – unset OMP_NUM_THREADS and MODNET_THREADS";
        }
    }

    /// <summary>File name of the BLAS that libtorch has loaded, if it is one of the fast ones.</summary>
    private static string? Blas()
    {
        // A first product makes lazy libraries load.
        using Tensor one = ones(8, 8);
        using Tensor product = one.matmul(one);
        return Process.GetCurrentProcess().Modules.Cast<ProcessModule>()
            .Select(m => m.ModuleName)
            .FirstOrDefault(m => FastBlas.Any(b => m.Contains(b, StringComparison.OrdinalIgnoreCase)));
    }

    /// <summary>GFLOP/s of a float32 product, the best of several.</summary>
    private static double MatrixProductSpeed()
    {
        const int size = 1024;
        using var scope = NewDisposeScope();
        Tensor a = rand(size, size), b = rand(size, size);
        double best = double.PositiveInfinity;
        for (int i = 0; i < 6; i++)
        {
            var clock = Stopwatch.StartNew();
            using Tensor product = a.matmul(b);
            best = Math.Min(best, clock.Elapsed.TotalSeconds);
        }

        return 2.0 * size * size * size / best / 1e9;
    }

    /// <summary>The width of .NET's vectors here.</summary>
    internal static string Simd() =>
        Vector512.IsHardwareAccelerated ? "512 bits"
        : Vector256.IsHardwareAccelerated ? "256 bits"
        : Vector128.IsHardwareAccelerated ? "128 bits"
        : "none";

    /// <summary>The processor by its maker's name.</summary>
    public static string Processor()
    {
        const string info = "/proc/cpuinfo";
        string? model = File.Exists(info)
            ? File.ReadLines(info).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return model?.Split(':', 2)[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
