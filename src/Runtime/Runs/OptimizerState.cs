using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Adam's memory as named tensors, so that a checkpoint can hold it.</summary>
internal static class OptimizerState
{
    /// <summary>For every parameter: its moments, in its shape, and the number of steps it has had, [1] int64.</summary>
    internal static IEnumerable<(string Name, Tensor Value)> Of(TorchSharp.Modules.Adam optimizer, Graph graph)
    {
        var states = optimizer.state_dict().State.Cast<TorchSharp.Modules.Adam.State>();
        foreach (((string name, _), TorchSharp.Modules.Adam.State state) in graph.named_parameters().Zip(states))
        {
            yield return ($"{name}.exp_avg", state.exp_avg);
            yield return ($"{name}.exp_avg_sq", state.exp_avg_sq);
            yield return ($"{name}.step", tensor(new long[] { state.step }));
        }
    }
}
