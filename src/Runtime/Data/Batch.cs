using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>A minibatch: inputs [B, …], targets [B, …], and what the datapoints bring beside, if anything.</summary>
public readonly record struct Batch(Tensor Inputs, Tensor Targets, SideInputs? Side = null)
{
    /// <summary>The same datapoints on a device.</summary>
    public Batch To(Device device) => Map(t => t.to(device));

    /// <summary>The same change made to whatever there is.</summary>
    internal Batch Map(Func<Tensor, Tensor> change) => new(change(Inputs), change(Targets), Side?.Map(change));
}
