using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>A modular linear layer, and how its rows are routed.</summary>
/// <param name="Modules">M.</param>
/// <param name="Choose">K.</param>
/// <param name="Batch">Rows.</param>
/// <param name="Width">Of rows and of modules' outputs.</param>
/// <param name="InUse">Rows choose uniformly among so many of the modules.</param>
public sealed record LayerSizes(int Modules, int Choose, int Batch, int Width, int InUse)
{
    /// <summary>Modules in use where routing has collapsed to few.</summary>
    private const int Few = 4;

    /// <summary>
    /// The line over M at K = 1, batch 4,096, width 256, routed to all modules and to four; and around M = 64 the others, one at a time.
    /// </summary>
    public static IReadOnlyList<LayerSizes> All { get; } =
    [
        .. ((int[])[4, 16, 64, 256, 1024, 4096]).SelectMany(m =>
            ((int[])[m, Few]).Distinct().Select(used => new LayerSizes(m, 1, 4096, 256, used))),
        new(64, 2, 4096, 256, 64),
        new(64, 4, 4096, 256, 64),
        new(64, 1, 128, 256, 64),
        new(64, 1, 1024, 256, 64),
        new(64, 1, 4096, 32, 64),
        new(64, 1, 4096, 128, 64),
        new(64, 1, 4096, 512, 64),
    ];

    /// <summary>The one that a dense layer's speed is held against.</summary>
    public static LayerSizes Headline { get; } = new(64, 1, 4096, 256, 64);

    /// <summary>For tests.</summary>
    public static IReadOnlyList<LayerSizes> Tiny { get; } = [new(6, 1, 20, 8, 6), new(6, 2, 20, 8, 4)];

    /// <summary>Whether it is <see cref="Headline"/>.</summary>
    public bool IsHeadline => this == Headline;

    /// <summary>Bytes of the parameters, with gradient and Adam's two moments.</summary>
    public long Bytes => 4L * sizeof(float) * Modules * Width * (Width + 1);

    /// <summary>Floating-point operations of a step: a product forward, two backward.</summary>
    public double Operations => 6.0 * Batch * Choose * Width * Width;

    /// <summary>What it is called.</summary>
    public string Name =>
        $"modular layer, M = {Modules}, K = {Choose}, batch {Batch}, width {Width}, "
        + (InUse == Modules ? "uniform routing" : $"routed to {InUse} modules");

    /// <summary>As facts of a result, and for the peer.</summary>
    public JsonObject ToJson() => new()
    {
        ["modules"] = Modules,
        ["choose"] = Choose,
        ["batch"] = Batch,
        ["width"] = Width,
        ["in_use"] = InUse,
    };
}
