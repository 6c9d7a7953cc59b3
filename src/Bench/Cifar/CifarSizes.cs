using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>The network of modular convolutions and its training (paper, appendix D; linear controller of notebooks/fig6.fsx).</summary>
public sealed record CifarSizes
{
    /// <summary>As in the paper.</summary>
    public static CifarSizes Paper { get; } = new();

    /// <summary>For tests.</summary>
    public static CifarSizes Tiny { get; } = new()
    {
        Side = 8,
        Modules = 3,
        Hidden = 4,
        Classes = 3,
        Samples = 2,
        MSteps = 2,
        EBatch = 6,
        MBatch = 4,
        Images = 20,
    };

    /// <summary>Height and width of an image of 3 channels.</summary>
    public int Side { get; init; } = 32;

    /// <summary>M, in every layer.</summary>
    public int Modules { get; init; } = 10;

    /// <summary>K; outputs lie side by side.</summary>
    public int Choose { get; init; } = 2;

    /// <summary>A module's outputs in the first linear layer.</summary>
    public int Hidden { get; init; } = 48;

    /// <summary>Classes, and a module's outputs in the last layer.</summary>
    public int Classes { get; init; } = 10;

    /// <summary>S.</summary>
    public int Samples { get; init; } = 10;

    /// <summary>M-steps after an E-step.</summary>
    public int MSteps { get; init; } = 15;

    /// <summary>Images of an E-step.</summary>
    public int EBatch { get; init; } = 512;

    /// <summary>Images of an M-step.</summary>
    public int MBatch { get; init; } = 128;

    /// <summary>N.</summary>
    public int Images { get; init; } = 10_000;

    /// <summary>Adam's rate.</summary>
    public double Rate { get; init; } = 3e-3;

    /// <summary>The controller's weight in the M-step's loss.</summary>
    public double ControllerWeight { get; init; } = 0.01;

    /// <summary>As facts of a result, and for the peer.</summary>
    public JsonObject ToJson() => new()
    {
        ["side"] = Side,
        ["modules"] = Modules,
        ["choose"] = Choose,
        ["hidden"] = Hidden,
        ["classes"] = Classes,
        ["samples"] = Samples,
        ["m_steps"] = MSteps,
        ["e_batch"] = EBatch,
        ["m_batch"] = MBatch,
        ["images"] = Images,
        ["rate"] = Rate,
        ["controller_weight"] = ControllerWeight,
    };
}
