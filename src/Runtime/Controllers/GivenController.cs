using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Stands in for a controller where each datapoint brings its K choices (<see cref="SideInputs.Given"/>), and nothing is learned about
/// them. On a sequence they hold at every step.
/// </summary>
public sealed class GivenController(int choose, int modules) : Controller(choose, modules)
{
    /// <summary>False: no selector is asked, and the choices are not part of a*.</summary>
    public override bool Latent => false;

    internal override int TakesGiven => Choose;

    /// <summary>Puts all probability on the given choices, which are <paramref name="beside"/> [n, K].</summary>
    public override ChoiceDistribution Distribution(Tensor x, Tensor? beside = null)
    {
        ArgumentNullException.ThrowIfNull(beside);
        return ChoiceDistribution.Given(beside, Modules, x.dtype);
    }

    internal override Tensor? Beside(Route route, long datapoints) => route.Given(Layer, Choose, Modules, datapoints);

    internal override OnnxValue? BesideOnnx(OnnxGraph onnx) => onnx.Given(Choose);

    internal override OnnxValue ChosenOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue? beside) => beside!;
}
