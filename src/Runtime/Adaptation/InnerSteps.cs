using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Gradient steps on the datapoints of one task, all of them in every step, with the composition held: the inner loop of meta-learning, in first order. The loss is
/// −mean log p(y|x, a). Controllers get no gradient, and modules that do not run none.
/// </summary>
public static class InnerSteps
{
    /// <summary>
    /// Changes the weights of <paramref name="graph"/> by so many steps, with dropout off and batch normalisation by its running averages. x [N, …] is as the graph reads it. Gives
    /// Σ_n log p(y_n|x_n, a) before the first step and after the last, in nats.
    /// </summary>
    /// <exception cref="UserException">The loss became a number that is not finite; the weights are then of no use.</exception>
    /// <example><code>InnerSteps.Take(graph, found.Composition, x, y, steps: 5, new SgdKind(0.01, 0));</code></example>
    public static (double Before, double After) Take(
        Graph graph, TaskComposition composition, Tensor x, Tensor targets, int steps, OptimizerKind optimizer, SideInputs? side = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(steps);
        using var scope = NewDisposeScope();
        Selector selector = composition.Selector();
        SideInputs? beside = TaskComposition.Beside(graph, side, x.shape[0], x.device);
        bool trained = graph.training;
        graph.eval();
        try
        {
            using optim.Optimizer taker = optimizer.Over(graph.parameters().Where(p => p.requires_grad));
            double before = Sum();
            for (int step = 0; step < steps; step++)
            {
                using var each = NewDisposeScope();
                taker.zero_grad();
                Tensor loss = -graph.Head.LogLikelihood(graph.Forward(x, selector, beside).Features, targets).mean();
                loss.backward();
                taker.step();
            }

            taker.zero_grad();
            double after = Sum();
            return double.IsFinite(after)
                ? (before, after)
                : throw new UserException(
                    "adaptation/inner steps", "a finite log-likelihood after the steps", $"{after}", "take fewer steps, or a smaller learning rate");
        }
        finally
        {
            graph.train(trained);
        }

        double Sum() => graph.InEvaluation(() =>
        {
            using var own = NewDisposeScope();
            return FromDevice.Number(graph.Head.LogLikelihood(graph.Forward(x, selector, beside).Features, targets).to_type(ScalarType.Float64).sum(), Wait.Asked);
        });
    }
}
