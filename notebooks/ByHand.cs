// A modular network from C#, without the DSL: nodes, a pool that two layers share, a head, and Viterbi EM around them.
// Compiled and run by the tests (tests/Examples); in a project of your own, reference ModNet.Runtime.
using static TorchSharp.torch;

namespace ModNet.Notebooks;

// Here, where its names come before those of the language that this file does without.
using ModNet.Runtime;

/// <summary>The toy regression's data on a small network that is built by hand.</summary>
public static class ByHand
{
    /// <summary>
    /// x [2] → 2 of 4 modules, summed → one of the same 4 modules → N(y | ·, 0.02). All parameters from
    /// <paramref name="streams"/>.
    /// </summary>
    public static Graph Build(RandomStreams streams)
    {
        var init = new Initialiser(streams.Init);
        var pool = new LinearPool("maps", count: 4, inputs: 2, outputs: 2, Activation.Identity, bias: true, init);
        return new Graph(
            [
                new ModularLayer("modular1", new LinearController(2, choose: 2, modules: 4, init), pool, Combine.Sum, Dispatch.Auto),
                new ModularLayer("modular2", new MlpController(2, [8], choose: 1, modules: 4, init), pool, Combine.Sum, Dispatch.Auto),
            ],
            new GaussianHead(variance: 0.02, learned: false, init));
    }

    /// <summary>Trains for so many M-steps (one E-step in 15) and gives log p(y|x, argmax a) per datapoint before and after.</summary>
    public static (double Before, double After) Train(int seed, int steps)
    {
        using var streams = new RandomStreams(seed);
        using Graph graph = Build(streams);
        var problem = new ToyRegression(dimensions: 2, separation: 4, spread: 0.5, streams.Data);
        using Dataset data = problem.Draw(512).Data;
        using var em = new ViterbiEm(graph, data, new EmSettings(Samples: 10, MSteps: 15, LearningRate: 1e-2), streams);

        double before = Evaluation.Of(graph, [data], batch: 128, CPU).LogLikelihood;
        for (int step = 0; step < steps; step++)
        {
            if (step % em.Settings.MSteps == 0)
            {
                em.EStep();
            }

            em.MStep();
        }

        return (before, Evaluation.Of(graph, [data], batch: 128, CPU).LogLikelihood);
    }
}
