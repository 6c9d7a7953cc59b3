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
        return Operators.Join([vectors, nn.functional.one_hot(beside, tasks).to_type(vectors.dtype)], 1);
    }

    internal override OnnxValue? BesideOnnx(OnnxGraph onnx) => onnx.Tasks();

    private protected override OnnxValue FeaturesOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue? beside)
    {
        OnnxValue vectors = Vectors(onnx, x);
        OnnxValue ids = onnx.Add("Unsqueeze", [1], [beside!, onnx.Numbers(1)]);
        OnnxValue all = onnx.Table([.. Enumerable.Range(0, tasks).Select(t => (long)t)], 1, tasks);
        OnnxValue one = onnx.Cast(onnx.Add("Equal", [tasks], [ids, all]), Onnx.TensorProto.Types.DataType.Float);
        return onnx.Add("Concat", [vectors.Row[0] + tasks], [vectors, one], ("axis", 1L));
    }
}
