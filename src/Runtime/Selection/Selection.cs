using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The choices that were made at one site.</summary>
/// <param name="Indices">The composition of every row, [B, K] int64.</param>
/// <param name="Weights">The factors on the chosen modules' outputs, [B, K]. Null stands for ones; only noisy and loss-free top-k have others.</param>
public sealed record Selection(Tensor Indices, Tensor? Weights = null)
{
    /// <summary>Applies a change to both tensors.</summary>
    internal Selection Map(Func<Tensor, Tensor> change) => new(change(Indices), Weights is null ? null : change(Weights));

    /// <summary>Joins the selections of T steps, [B, K] each, into one of B·T rows, in which the steps of a sequence follow each other.</summary>
    internal static Selection Rows(IReadOnlyList<Selection> steps) => new(
        Operators.Stack([.. steps.Select(s => s.Indices)], 1).flatten(0, 1),
        steps[0].Weights is null ? null : Operators.Stack([.. steps.Select(s => s.Weights!)], 1).flatten(0, 1));
}

/// <summary>One place where a choice is made: a modular layer, or, on sequences, a modular layer at one time step.</summary>
/// <param name="Layer">The name of the modular layer.</param>
/// <param name="Time">The time step; 0 for a layer without time.</param>
/// <param name="Offset">The place of this site's first choice in the datapoint's composition over all sites; −1 for given choices, which are not part of a composition.</param>
/// <param name="Choose">K, the number of positions.</param>
/// <param name="Modules">M, the number of modules.</param>
public sealed record Site(string Layer, int Time, int Offset, int Choose, int Modules)
{
    /// <summary>The name of the pool that the modules belong to; layers that share a pool name the same one. By default the layer has its own.</summary>
    public string Pool { get; init; } = Layer;
}
