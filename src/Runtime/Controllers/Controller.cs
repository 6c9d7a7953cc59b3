using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Gives p(a|x, φ), K softmaxes over M modules, from a row's own input x (paper, section 2).</summary>
public abstract class Controller(int choose, int modules) : GraphPart("controller")
{
    [ComponentName(Name = "balance")]
    private Tensor? _balance;

    /// <summary>K, the number of positions.</summary>
    public int Choose { get; } = choose;

    /// <summary>M, the number of modules.</summary>
    public int Modules { get; } = modules;

    /// <summary>
    /// Whether the choices are latent: a selector makes them, and they are part of a* and of log p(a|x). Otherwise the data give them.
    /// </summary>
    public virtual bool Latent => true;

    /// <summary>The name of the layer that took the controller over, for messages.</summary>
    internal string Layer { get; set; } = "controller";

    /// <summary>
    /// The distribution [n, K, M] for rows x [n, …in]. <paramref name="beside"/> holds what the controller reads beside x, row by row; it
    /// is null for most controllers.
    /// </summary>
    public abstract ChoiceDistribution Distribution(Tensor x, Tensor? beside = null);

    /// <summary>
    /// The biases b [M] by which loss-free top-k balances the modules (Wang et al. 2024), a buffer and no parameter; null under any other method.
    /// </summary>
    public Tensor? Balance => _balance;

    /// <summary>Adds the buffer balance [M], of the type and on the device of <paramref name="like"/>. It begins at zero.</summary>
    internal void AddBalance(Tensor like)
    {
        if (_balance is null)
        {
            _balance = zeros([Modules], like.dtype, like.device).DetachFromDisposeScope();
            register_buffer("balance", _balance);
        }
    }

    /// <summary>
    /// Adds the weights W_noise of noisy top-k (Shazeer et al. 2017, Eq. 4), which begin at zero. UserException where the controller has no
    /// place for them.
    /// </summary>
    internal virtual void AddNoise() => throw new UserException(
        $"{Layer}/controller",
        "a controller that ends in a linear map of its own, for noisy top-k",
        GetType().Name,
        "use Linear, Mlp, Conv or Task");

    /// <summary>Takes from the route what the controller reads of B datapoints beside x: [B], [B, K], or null for nothing.</summary>
    internal virtual Tensor? Beside(Route route, long datapoints) => null;

    /// <summary>The same of an ONNX graph, [B] or [B, K].</summary>
    internal virtual OnnxValue? BesideOnnx(OnnxGraph onnx) => null;

    /// <summary>Adds the choice of modules for rows x [n, …in] to an ONNX graph → [n, K].</summary>
    internal virtual OnnxValue ChosenOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue? beside) => throw onnx.Refusal("a controller of its own");
}
