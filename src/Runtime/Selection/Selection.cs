using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What was chosen at one site.</summary>
/// <param name="Indices">[B, K] int64: the composition of every row.</param>
/// <param name="Weights">[B, K] factors on the chosen modules' outputs, or null for ones (all methods but noisy top-k).</param>
public sealed record Selection(Tensor Indices, Tensor? Weights = null)
{
    /// <summary>The selections of T steps, [B, K] each, as one of B·T rows, a sequence's steps in a row.</summary>
    internal static Selection Rows(IReadOnlyList<Selection> steps) => new(
        stack([.. steps.Select(s => s.Indices)], 1).flatten(0, 1),
        steps[0].Weights is null ? null : stack([.. steps.Select(s => s.Weights!)], 1).flatten(0, 1));
}
