using System.Globalization;
using System.Text.Json;
using ModNet.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Bench;

/// <summary>What the ranks of a group do: which training, in how many shards, with how many threads each.</summary>
/// <param name="Name"><c>ptb</c>, or <c>layer-M</c> for a layer of M modules.</param>
/// <param name="IsSpread">Whether the modules of the layer live on ranks.</param>
/// <param name="Shards">The shards of a minibatch.</param>
/// <param name="Threads">Threads of a rank.</param>
/// <param name="Tiny">For tests: so small that nothing takes time.</param>
/// <param name="Data">A text for <c>ptb</c>; null makes words up.</param>
public sealed record RankWork(string Name, bool IsSpread, int Shards, int Threads, bool Tiny, string? Data)
{
    /// <summary>What starts this program as a rank.</summary>
    public const string Verb = "rank-work";

    private static readonly TimeSpan Nap = TimeSpan.FromMilliseconds(2);

    /// <summary>Gradient steps in a round.</summary>
    public static int MSteps(bool tiny) => tiny ? 2 : 15;

    /// <summary>What the rows of a minibatch of a layer take, one way, in bytes; null for other work.</summary>
    public static double? RowBytes(string name, bool tiny) => name.StartsWith(Layer, StringComparison.Ordinal) ? sizeof(float) * (double)Sizes(tiny).Width * Sizes(tiny).Batch : null;

    private const string Layer = "layer-";

    private static (int Width, int Batch) Sizes(bool tiny) => tiny ? (4, 8) : (256, 512);

    /// <summary>
    /// A rank's life: it looks into a file for how many rounds are wanted next, does them together with the other ranks, and rank 0 prints how many seconds they took and how
    /// many bytes it sent. Ranks that wait sleep, since MPI's own way of waiting would take the cores from whatever is measured meanwhile.
    /// </summary>
    public static int Run(string[] words)
    {
        RankWork work = JsonSerializer.Deserialize<RankWork>(words[1])!;
        string commands = words[2];
        Threading.Use(work.Threads);
        Machine.EnsureReady();
        set_num_threads(work.Threads);
        Ranks ranks = MpiRanks.Here;
        using var streams = new RandomStreams(1);
        using ViterbiEm em = work.Open(ranks, streams);
        em.Begin();
        if (ranks.Leads)
        {
            Console.WriteLine(ranks.Library);
        }

        for (int command = 0; ; command++)
        {
            string path = Path.Combine(commands, command.ToString(CultureInfo.InvariantCulture));
            while (!File.Exists(path))
            {
                Thread.Sleep(Nap);
            }

            int rounds = int.Parse(File.ReadAllText(path), CultureInfo.InvariantCulture);
            if (rounds == 0)
            {
                ranks.End();
                return 0;
            }

            // Once so that all are awake, and once so that all begin together.
            ranks.Meet();
            ranks.Meet();
            long sent = ranks.BytesSent, start = System.Diagnostics.Stopwatch.GetTimestamp();
            for (int i = 0; i < rounds; i++)
            {
                em.EStep();
                for (int m = 0; m < MSteps(work.Tiny); m++)
                {
                    em.MStep();
                }
            }

            ranks.Meet();
            if (ranks.Leads)
            {
                Console.WriteLine(FormattableString.Invariant(
                    $"{System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds:R} {(ranks.BytesSent - sent) / rounds}"));
            }
        }
    }

    private ViterbiEm Open(Ranks ranks, RandomStreams streams)
    {
        if (Name == "ptb")
        {
            PtbSizes sizes = Tiny ? PtbSizes.Tiny : PtbSizes.Paper;
            Dataset text = Data is null ? PtbData.Synthetic(sizes, 1) : PtbData.Read(Data, sizes).Data;
            Graph model = NetworkText.Compile("ptb-em-5-1", PtbModel.Layers(sizes), streams);
            return new(model, text, new(sizes.Samples, MSteps(Tiny), sizes.Batch, sizes.Batch, sizes.Rate) { Shards = Shards }, streams) { Ranks = ranks };
        }

        int modules = int.Parse(Name.AsSpan(Layer.Length), CultureInfo.InvariantCulture);
        (int width, int batch) = Sizes(Tiny);
        var init = new Initialiser(streams.Init);
        ModulePool pool = IsSpread
            ? new SpreadPool("pool", modules, width, width, Runtime.Activation.Relu, true, init, ranks)
            : new LinearPool("pool", modules, width, width, Runtime.Activation.Relu, true, init);
        var layer = new ModularLayer("modular1", new LinearController(width, 1, modules, init), pool, Runtime.Combine.Sum, Runtime.Dispatch.Auto);
        var graph = new Graph([layer], new GaussianHead(1, false, init));
        Tensor Draw() => randn(8 * batch, width, generator: streams.Data);
        var data = new Dataset(Draw(), Draw());
        return new(graph, data, new(4, MSteps(Tiny), batch, batch) { Shards = Shards, Unselected = Runtime.Unselected.Rest }, streams) { Ranks = ranks };
    }
}
