using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What ModNet runs on: the native libraries, what they can do, and what is missing.</summary>
public static class Machine
{
    /// <summary>Loads libtorch. UserException where it is missing or does not fit.</summary>
    public static void EnsureReady()
    {
        Libtorch.Load();
    }

    /// <summary>Name and value of everything worth knowing; needs <see cref="EnsureReady"/>.</summary>
    public static IEnumerable<(string Name, string Value)> Describe()
    {
        yield return (".NET", Environment.Version.ToString());
        yield return ("system", RuntimeInformation.OSDescription);
        yield return ("processor", $"{Processor()}, {Environment.ProcessorCount} cores");
        yield return ("SIMD (.NET)", Simd());
        LoadedLibtorch libtorch = Libtorch.Loaded!;
        yield return ("TorchSharp", $"{Libtorch.TorchSharpVersion}{(libtorch.IsRelaxed ? $", in a copy that loads with this system's C++ runtime: {libtorch.BindingPath}" : "")}");
        yield return ("libtorch", $"{libtorch.Version} in {libtorch.Folder} ({libtorch.Source})");
        yield return ("BLAS", libtorch.Blas ?? "that of this libtorch");
        yield return ("threads", $"{get_num_threads()}");
        yield return ("devices", cuda.is_available() ? $"cpu, {cuda.device_count()} CUDA" : "cpu");
        yield return ("matrix product", $"{MatrixProductSpeed():F1} GFLOP/s (1024×1024, float32, cpu)");
    }

    /// <summary>What slows ModNet down although it works, each with its remedy; needs <see cref="EnsureReady"/>.</summary>
    public static IEnumerable<string> Shortcomings()
    {
        if (get_num_threads() < Environment.ProcessorCount)
        {
            yield return $"libtorch uses {get_num_threads()} of {Environment.ProcessorCount} cores – unset OMP_NUM_THREADS and MODNET_THREADS";
        }
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
