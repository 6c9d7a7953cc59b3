using ModNet.Runtime;
using static TorchSharp.torch;

namespace ModNet.Bench;

/// <summary>How peers' threads wait for work.</summary>
public enum PeerWait
{
    /// <summary>As libgomp does by itself, and as users of PyTorch and TorchSharp have it: they spin for a while, then sleep.</summary>
    Active,

    /// <summary>Asleep, as ours do.</summary>
    Passive,
}

/// <summary>The same number of threads for all sides. A BLAS with threads of its own counts by its own variable.</summary>
public static class Threading
{
    private static readonly string[] Counts = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"];

    /// <summary>This process's; to be said before libtorch is loaded, since libraries read their variables then.</summary>
    public static void Use(int threads)
    {
        foreach (string name in Counts)
        {
            NativeEnvironment.Set(name, $"{threads}", overwrite: true);
        }

        Machine.EnsureReady();
        set_num_threads(threads);
    }

    /// <summary>A peer's variables; null takes one away.</summary>
    public static IEnumerable<(string Name, string? Value)> Variables(int threads, PeerWait wait) =>
    [
        .. Counts.Select(name => (name, (string?)$"{threads}")),
        .. IdleThreads.Variables.Select(v => (v.Name, wait == PeerWait.Passive ? v.Value : null)),
    ];
}
