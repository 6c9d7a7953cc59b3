// A trained network asked from C#: names of classes, probabilities, and the modules that ran.
// Compiled and run by the tests (tests/Examples); in a project of your own, reference ModNet.
using System.Globalization;
using ModNet;
using ModNet.Runtime;
using static TorchSharp.torch;

namespace ModNet.Notebooks;

/// <summary>Classes of rows, by the network of a run's folder.</summary>
public static class Asking
{
    /// <summary>The names of the most probable classes of x [B, D], whose columns are as the run's data have them.</summary>
    public static IReadOnlyList<string> Names(string run, Tensor x)
    {
        using TrainedNetwork trained = Trained.load(run);
        return trained.PredictNames(x);
    }

    /// <summary>The probability of every class, by its name, for each row of x.</summary>
    public static IReadOnlyList<IReadOnlyDictionary<string, float>> Probabilities(string run, Tensor x)
    {
        using TrainedNetwork trained = Trained.load(run);
        using Tensor probabilities = trained.PredictProbabilities(x);
        return
        [
            .. TensorArrays.Vector<float>(probabilities).Chunk(trained.ClassNames.Count)
                .Select(row => trained.ClassNames.Zip(row).ToDictionary(pair => pair.First, pair => pair.Second)),
        ];
    }

    /// <summary>A line for each row: the class that is known, log p of it, and the modules that ran in the first modular layer.</summary>
    public static IReadOnlyList<string> Lines(string run, Tensor x, Tensor targets)
    {
        using TrainedNetwork trained = Trained.load(run);
        using Prediction said = trained.Examine(x, targets);
        float[] log = TensorArrays.Vector<float>(said.LogLikelihood!);
        long[] known = TensorArrays.Vector<long>(targets);
        return
        [
            .. said.Choices[0].Modules.Select((modules, row) => string.Create(
                CultureInfo.InvariantCulture,
                $"{trained.ClassNames[(int)known[row]]}: log p {log[row]:F3}, modules {string.Join(" ", modules)}")),
        ];
    }
}
