using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>The language model and its training (paper, appendices A and C; em-5-1 of notebooks/language.fsx).</summary>
public sealed record PtbSizes
{
    /// <summary>As in the paper.</summary>
    public static PtbSizes Paper { get; } = new();

    /// <summary>For tests.</summary>
    public static PtbSizes Tiny { get; } = new()
    {
        Modules = 3,
        Embed = 4,
        Hidden = 3,
        Vocabulary = 50,
        Window = 5,
        Batch = 8,
        Samples = 3,
        MSteps = 2,
        Windows = 40,
    };

    /// <summary>M.</summary>
    public int Modules { get; init; } = 5;

    /// <summary>K.</summary>
    public int Choose { get; init; } = 1;

    /// <summary>A word's numbers.</summary>
    public int Embed { get; init; } = 32;

    /// <summary>Width of h, and of modules.</summary>
    public int Hidden { get; init; } = 8;

    /// <summary>Words.</summary>
    public int Vocabulary { get; init; } = 10_000;

    /// <summary>T, words of a datapoint.</summary>
    public int Window { get; init; } = 35;

    /// <summary>Datapoints of an E-step and of an M-step.</summary>
    public int Batch { get; init; } = 128;

    /// <summary>S.</summary>
    public int Samples { get; init; } = 10;

    /// <summary>M-steps after an E-step.</summary>
    public int MSteps { get; init; } = 15;

    /// <summary>N: Penn Treebank's 929,589 words of training text.</summary>
    public int Windows { get; init; } = 26_559;

    /// <summary>Adam's rate.</summary>
    public double Rate { get; init; } = 1e-3;

    /// <summary>As facts of a result.</summary>
    public JsonObject ToJson() => new()
    {
        ["M"] = Modules,
        ["K"] = Choose,
        ["embed"] = Embed,
        ["hidden"] = Hidden,
        ["vocabulary"] = Vocabulary,
        ["window"] = Window,
        ["batch"] = Batch,
        ["S"] = Samples,
        ["m_steps"] = MSteps,
        ["windows"] = Windows,
    };
}
