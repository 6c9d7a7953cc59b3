namespace ModNet.Bench;

/// <summary>A benchmark that has a name.</summary>
/// <param name="Name">As the command line says it.</param>
/// <param name="Help">What it compares.</param>
/// <param name="Peers">The libraries that have a part in it.</param>
/// <param name="Run">Compares, case by case as they are asked for, with the peers that are not left out.</param>
public sealed record Benchmark(
    string Name, string Help, IReadOnlyList<PeerKind> Peers, Func<BenchSettings, IReadOnlyList<Peer>, IEnumerable<BenchCase>> Run)
{
    /// <summary>All there are.</summary>
    public static IReadOnlyList<Benchmark> All { get; } =
    [
        new("ptb-em", "an EM round of the Penn Treebank model (1 E-step, 15 M-steps)", PeerKind.All, PtbBenchmark.Round),
        new("ptb-mstep", "its M-step", PeerKind.All, PtbBenchmark.MStep),
        new("ptb-estep", "its E-step, and the memory that takes", PeerKind.All, PtbBenchmark.EStep),
        new("modular-layer", "a modular linear layer over M, K, batch and width, beside a dense one", PeerKind.All, LayerBenchmark.Run),
        new("modules-in-use", "a modular linear layer with all or few of 1,024 modules in use, beside one with 16", [], LayerBenchmark.OverModules),
        new("modular-units", "a modular layer whose units have several layers, beside a dense network of as many operations", [], UnitBenchmark.Run),
        new("overhead", "operators one by one; a compiled network beside a hand-written loop", [PeerKind.PyTorch], OverheadBenchmark.Run),
        new("cifar-em", "an EM round of the CIFAR-10 network (1 E-step, 15 M-steps)", PeerKind.All, CifarBenchmark.Run),
        new("sparse-linear", "a linear layer that skips zeros beside libtorch's, at 50 to 95 % zeros", [], SkippingBenchmark.Run),
        new("predict", "how long a trained network takes to answer for 1 row and for 4,096", PeerKind.All, PredictBenchmark.Run),
        new("stacks", "an E-step whose candidates share what they chose alike, beside one that runs every candidate", [], StackBenchmark.Run),
        new("ranks", "training on two ranks over MPI beside one", [], RanksBenchmark.Run),
        new("million", "a million modules beside 256, and the memory they take", [], MillionBenchmark.Run),
        new("kernels", "our kernels beside the machine's peak", [], KernelBenchmark.Run),
        new("start", "how long `check` and `train` of a script take to start", [], StartBenchmark.Run),
    ];

    /// <summary>
    /// Runs it, with peers of its own where it wants some. <paramref name="soFar"/> is told after every case what there is by then.
    /// UserException where something is missing.
    /// </summary>
    public BenchReport Report(BenchSettings settings, string command, Action<BenchReport> soFar)
    {
        var peers = new List<Peer>();
        try
        {
            foreach (PeerKind kind in Peers.Intersect(settings.Peers))
            {
                peers.Add(Peer.Start(kind, settings.Threads, settings.PeerWait, settings.Stop));
            }

            var versions = peers.ToDictionary(p => p.Kind.Name, p => p.Version);
            var report = new BenchReport(Name, command, settings, versions, [], Complete: false);
            foreach (BenchCase next in Run(settings, peers))
            {
                report = report with { Cases = [.. report.Cases, next] };
                soFar(report);
            }

            return report with { Complete = true };
        }
        finally
        {
            peers.ForEach(p => p.Dispose());
        }
    }
}
