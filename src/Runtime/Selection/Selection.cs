using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What was chosen at one site.</summary>
/// <param name="Indices">[B, K] int64: the composition of every row.</param>
/// <param name="Weights">[B, K] factors on the chosen modules' outputs, or null for ones (all methods but noisy top-k).</param>
public sealed record Selection(Tensor Indices, Tensor? Weights = null);
