using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Stands in for a controller where a datapoint's task id is its choice: module t runs for task t, at every step of a sequence, and nothing is learned
/// about it. M is the number of tasks, and K = 1.
/// </summary>
public sealed class ByTaskController(int modules) : Controller(1, modules)
{
    /// <summary>False: no selector is asked, and the choices are not part of a*.</summary>
    public override bool Latent => false;

    /// <summary>Puts all probability on the module of the task ids <paramref name="beside"/> [n].</summary>
    public override ChoiceDistribution Distribution(Tensor x, Tensor? beside = null)
    {
        ArgumentNullException.ThrowIfNull(beside);
        return ChoiceDistribution.Given(beside.unsqueeze(1), Modules, x.dtype);
    }

    internal override Tensor? Beside(Route route, long datapoints) => route.Tasks(Layer, Modules, datapoints);

    internal override OnnxValue? BesideOnnx(OnnxGraph onnx) => onnx.Tasks();

    internal override OnnxValue ChosenOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue? beside) => onnx.Add("Unsqueeze", [1], [beside!, onnx.Numbers(1)]);
}
