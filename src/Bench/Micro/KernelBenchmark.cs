using System.Text.Json.Nodes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;

namespace ModNet.Bench;

/// <summary>
/// Our kernels by BenchmarkDotNet, in this process (it would build a project of its own otherwise), beside what the machine can do at most.
/// </summary>
public static class KernelBenchmark
{
    /// <summary>All kernels.</summary>
    public static IReadOnlyList<BenchCase> Run(BenchSettings settings, IReadOnlyList<Peer> peers)
    {
        settings.Say("measuring the machine's peak");
        Peak peak = Peak.Measure(settings.Threads, settings.Tiny);
        var sizes = settings.Tiny
            ? new KernelSizes(PtbSizes.Tiny, LayerSizes.Tiny[0], settings.Threads) { Cifar = CifarSizes.Tiny }
            : new KernelSizes(PtbSizes.Paper, LayerSizes.Headline, settings.Threads);
        KernelSizes.Current = sizes;
        (Type Kernels, string Method, KernelWork Work)[] works =
        [
            (typeof(HeadKernels), nameof(HeadKernels.Score), sizes.Head(sizes.ERows, gradients: false)),
            (typeof(HeadKernels), nameof(HeadKernels.Gradients), sizes.Head(sizes.MRows, gradients: true)),
            (typeof(GruKernels), nameof(GruKernels.Drawn), sizes.Gru(sizes.ERows, backward: false)),
            (typeof(GruKernels), nameof(GruKernels.Forward), sizes.Gru(sizes.MRows, backward: false)),
            (typeof(GruKernels), nameof(GruKernels.Backward), sizes.Gru(sizes.MRows, backward: true)),
            (typeof(LayerKernels), nameof(LayerKernels.Layer), sizes.Linear(backward: false)),
            (typeof(LayerKernels), nameof(LayerKernels.LayerGradients), sizes.Linear(backward: true)),
            (typeof(LayerKernels), nameof(LayerKernels.Step), sizes.Adam()),
            (typeof(ConvolutionKernels), nameof(ConvolutionKernels.AllCandidates), KernelSizes.Convolution(sizes.Candidates, backward: false)),
            (typeof(ConvolutionKernels), nameof(ConvolutionKernels.Convolution), KernelSizes.Convolution(sizes.Second, backward: false)),
            (typeof(ConvolutionKernels), nameof(ConvolutionKernels.ConvolutionGradients), KernelSizes.Convolution(sizes.First, backward: true)),
        ];
        DirectoryInfo artifacts = Directory.CreateTempSubdirectory("modnet-bench-");
        try
        {
            IConfig config = Config(settings, artifacts.FullName);
            var reports = new Dictionary<string, BenchmarkReport>();
            foreach (Type kernels in works.Select(w => w.Kernels).Distinct())
            {
                settings.Stop.ThrowIfCancellationRequested();
                settings.Say($"running {kernels.Name}");
                foreach (BenchmarkReport report in BenchmarkRunner.Run(kernels, config).Reports)
                {
                    reports[report.BenchmarkCase.Descriptor.WorkloadMethod.Name] = report;
                }
            }

            return [.. works.Select(w => Case(reports[w.Method], w.Work, peak))];
        }
        finally
        {
            artifacts.Delete(recursive: true);
        }
    }

    private static IConfig Config(BenchSettings settings, string artifacts)
    {
        Job job = settings.Tiny
            ? Job.Dry
            : Job.Default.WithWarmupCount(settings.Pace.Rounds).WithIterationCount(2 * settings.Pace.Rounds);
        return ManualConfig.CreateEmpty()
            .AddJob(job.WithToolchain(InProcessNoEmitToolchain.Instance))
            .AddLogger(NullLogger.Instance)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .WithOptions(ConfigOptions.DisableLogFile)
            .WithArtifactsPath(artifacts);
    }

    private static BenchCase Case(BenchmarkReport report, KernelWork work, Peak peak)
    {
        string name = report.BenchmarkCase.Descriptor.WorkloadMethodDisplayInfo.Trim('\'');
        double[] seconds = [.. report.GetResultRuns().Select(r => r.Nanoseconds / r.Operations * 1e-9)];
        if (seconds.Length == 0)
        {
            throw new InvalidOperationException($"BenchmarkDotNet has no results of {name}");
        }

        var timing = new Timing("ModNet", (int)report.GetResultRuns()[0].Operations, seconds);
        double median = timing.Seconds.Median;
        double gflops = work.Operations / median / 1e9, gigabytes = work.Bytes / median / 1e9;
        JsonObject facts = new()
        {
            ["gflops"] = Math.Round(gflops, 2),
            ["peak_gflops"] = Math.Round(peak.Gflops, 1),
            ["share_of_peak_flops"] = Math.Round(gflops / peak.Gflops, 3),
            ["exponentials_per_ns"] = Math.Round(work.Exponentials / median / 1e9, 3),
            ["gb_per_s"] = Math.Round(gigabytes, 2),
            ["peak_gb_per_s"] = Math.Round(peak.Gigabytes, 1),
            ["share_of_peak_gb_per_s"] = Math.Round(gigabytes / peak.Gigabytes, 3),
        };
        return new($"kernel: {name}", [timing], [], facts);
    }
}
