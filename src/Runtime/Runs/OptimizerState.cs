using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>An optimiser's memory as named tensors, so that a checkpoint can hold it.</summary>
internal static class OptimizerState
{
    /// <summary>
    /// For every parameter, in its shape: Adam's and AdamW's moments and the number of steps it has had, [1] int64; SGD's
    /// momentum, once there is one.
    /// </summary>
    internal static IEnumerable<(string Name, Tensor Value)> Of(OptimizerHelper optimizer, Graph graph)
    {
        foreach (((string name, _), TorchSharp.Modules.OptimizerState state) in
            graph.named_parameters().Zip(optimizer.state_dict().State))
        {
            IEnumerable<(string, Tensor?)> parts = state switch
            {
                SGD.State sgd => [("momentum_buffer", sgd.momentum_buffer)],
                _ when AdamMoments.Of(state) is { } moments =>
                    [("exp_avg", moments.First), ("exp_avg_sq", moments.Second), ("step", tensor(new long[] { moments.Step }))],
                _ => throw new InvalidOperationException($"no checkpoint is known of {state.GetType()}"),
            };
            foreach ((string part, Tensor? value) in parts)
            {
                if (value is not null)
                {
                    yield return ($"{name}.{part}", value);
                }
            }
        }
    }

    /// <summary>Takes back what <see cref="Of"/> gave for the same parameters.</summary>
    internal static void Restore(OptimizerHelper optimizer, Graph graph, SavedState saved)
    {
        foreach (((string name, Parameter parameter), TorchSharp.Modules.OptimizerState state) in
            graph.named_parameters().Zip(optimizer.state_dict().State))
        {
            SavedState own = saved.Under($"{name}.");
            switch (state)
            {
                case var _ when AdamMoments.Of(state) is { } moments:
                    moments.First.copy_(own.Get("exp_avg", parameter.shape));
                    moments.Second.copy_(own.Get("exp_avg_sq", parameter.shape));
                    moments.Step = own.Count("step");
                    break;
                case SGD.State sgd when own.Has("momentum_buffer"):
                    sgd.momentum_buffer?.Dispose();
                    sgd.momentum_buffer = own.Get("momentum_buffer", parameter.shape).to(parameter.device).clone().DetachFromDisposeScope();
                    break;
            }
        }
    }
}
