using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Describes the machine on which ModNet runs: the native libraries, what they can do, and what is missing.</summary>
public static class Machine
{
    /// <summary>Loads libtorch. UserException where it is missing or does not fit.</summary>
    public static void EnsureReady() => Libtorch.Load();

    /// <summary>The names and values of all that is worth knowing. <see cref="EnsureReady"/> has to be called before.</summary>
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
        yield return ("MPI", MpiLibrary.Describe());
        yield return ("matrix product", FormattableString.Invariant($"{MatrixProductSpeed():F1} GFLOP/s (1024×1024, float32, cpu)"));
    }

    /// <summary>What makes ModNet slow although it works, each with its remedy. <see cref="EnsureReady"/> has to be called before.</summary>
    public static IEnumerable<string> Shortcomings()
    {
        if (get_num_threads() < Environment.ProcessorCount)
        {
            yield return $"libtorch uses {get_num_threads()} of {Environment.ProcessorCount} cores – unset OMP_NUM_THREADS and MODNET_THREADS";
        }
    }

    /// <summary>The speed of a float32 product in GFLOP/s, the best of several.</summary>
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

    /// <summary>The width of .NET's vectors on this processor.</summary>
    internal static string Simd() =>
        Vector512.IsHardwareAccelerated ? "512 bits"
        : Vector256.IsHardwareAccelerated ? "256 bits"
        : Vector128.IsHardwareAccelerated ? "128 bits"
        : "none";

    /// <summary>The name that the maker gave the processor.</summary>
    public static string Processor()
    {
        const string info = "/proc/cpuinfo";
        string? model = File.Exists(info)
            ? File.ReadLines(info).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return model?.Split(':', 2)[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
