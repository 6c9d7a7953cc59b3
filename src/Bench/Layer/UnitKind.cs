using ModNet.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Bench;

// The DSL's word of the same name is nearer.
using Activation = Runtime.Activation;

/// <summary>Units of several layers: as modules of a pool, and as one dense network.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Widening">How many times as wide as x it is inside.</param>
/// <param name="Normalises">Whether a layer normalisation comes first, and a GELU instead of a ReLU is between the linear layers, as in a transformer.</param>
public sealed record UnitKind(string Name, int Widening, bool Normalises)
{
    /// <summary>The kinds that are timed.</summary>
    public static IReadOnlyList<UnitKind> All { get; } = [new("mlp", 2, false), new("layer norm, linear, GELU, linear", 2, true)];

    /// <summary>Its modules.</summary>
    public ModulePool Pool(LayerSizes sizes, Initialiser init)
    {
        int inside = Widening * sizes.Width;
        Activation between = Normalises ? Activation.Gelu : Activation.Relu;
        List<ModulePool> stages =
        [
            new LinearPool("pool/linear1", sizes.Modules, sizes.Width, inside, between, bias: true, init),
            new LinearPool("pool/linear2", sizes.Modules, inside, sizes.Width, Activation.Identity, bias: true, init),
        ];
        if (Normalises)
        {
            stages.Insert(0, new LayerNormPool("pool/layer_norm1", sizes.Modules, [sizes.Width], init));
        }

        return new ChainPool("pool", stages);
    }

    /// <summary>One of them, by libtorch.</summary>
    public Sequential Dense(LayerSizes sizes)
    {
        int inside = Widening * sizes.Width;
        List<nn.Module<Tensor, Tensor>> layers =
            [nn.Linear(sizes.Width, inside), Normalises ? nn.GELU() : nn.ReLU(), nn.Linear(inside, sizes.Width)];
        if (Normalises)
        {
            layers.Insert(0, nn.LayerNorm(sizes.Width));
        }

        return nn.Sequential(layers);
    }

    /// <summary>Multiply-adds of a row.</summary>
    public double MultiplyAdds(LayerSizes sizes) => 2.0 * Widening * sizes.Width * sizes.Width;
}
