namespace ModNet.Bench;

/// <summary>A benchmark that has a name.</summary>
/// <param name="Name">As the command line says it.</param>
/// <param name="Help">What it compares.</param>
/// <param name="UsesPeer">Whether the PyTorch peer has a part in it.</param>
/// <param name="Run">Compares, case by case as they are asked for; the peer is null where it is left out.</param>
public sealed record Benchmark(
    string Name, string Help, bool UsesPeer, Func<BenchSettings, Peer?, IEnumerable<BenchCase>> Run)
{
    /// <summary>All there are.</summary>
    public static IReadOnlyList<Benchmark> All { get; } =
    [
        new("ptb-em", "an EM round of the Penn Treebank model (1 E-step, 15 M-steps)", true, PtbBenchmark.Round),
        new("ptb-mstep", "its M-step", true, PtbBenchmark.MStep),
        new("ptb-estep", "its E-step, and the memory that takes", true, PtbBenchmark.EStep),
        new("modular-layer", "a modular linear layer over M, K, batch and width, beside a dense one", true, LayerBenchmark.Run),
        new("overhead", "operators one by one; a compiled network beside a hand-written loop", true, OverheadBenchmark.Run),
        new("cifar-em", "an EM round of the CIFAR-10 network (1 E-step, 15 M-steps)", true, CifarBenchmark.Run),
        new("kernels", "our kernels beside the machine's peak", false, KernelBenchmark.Run),
    ];

    /// <summary>
    /// Runs it, with a peer of its own where it wants one. <paramref name="soFar"/> is told after every case what there is by
    /// then. UserException where something is missing.
    /// </summary>
    public BenchReport Report(BenchSettings settings, string command, Action<BenchReport> soFar)
    {
        using Peer? peer = UsesPeer && settings.WithPeer
            ? Peer.Start(settings.Threads, settings.PeerWait, settings.Stop)
            : null;
        var report = new BenchReport(Name, command, settings, peer?.Version, [], Complete: false);
        foreach (BenchCase next in Run(settings, peer))
        {
            report = report with { Cases = [.. report.Cases, next] };
            soFar(report);
        }

        return report with { Complete = true };
    }
}
