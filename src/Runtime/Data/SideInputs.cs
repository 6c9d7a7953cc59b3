using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What datapoints bring beside their inputs.</summary>
/// <param name="Tasks">[B] int64: a task id per datapoint, for controllers that read one.</param>
/// <param name="Given">
/// [B, G] int64: the choices of the layers whose choices are given; each takes the next K columns, in order of layers.
/// </param>
public sealed record SideInputs(Tensor? Tasks, Tensor? Given)
{
    /// <summary>The same change made to whatever there is.</summary>
    internal SideInputs Map(Func<Tensor, Tensor> change) =>
        new(Tasks is null ? null : change(Tasks), Given is null ? null : change(Given));
}
