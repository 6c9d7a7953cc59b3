using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>A linear map of [x, one-hot(task)] to the logits. Images are flattened, and one task id serves all steps of a sequence.</summary>
public sealed class TaskController(int inputs, int tasks, int choose, int modules, Initialiser initialiser)
    : LogitController(inputs + tasks, choose, modules, initialiser)
{
    internal override Tensor? Beside(Route route, long datapoints) => route.Tasks(Layer, tasks, datapoints);

    /// <summary>[x, one-hot(task)], where <paramref name="beside"/> holds the task ids [n] int64 in [0, tasks).</summary>
    protected override Tensor Features(Tensor x, Tensor? beside)
    {
        ArgumentNullException.ThrowIfNull(beside);
        Tensor vectors = Vectors(x);
        return cat([vectors, nn.functional.one_hot(beside, tasks).to_type(vectors.dtype)], 1);
    }
}
