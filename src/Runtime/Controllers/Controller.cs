using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>p(a|x, φ): from a row's own input to K softmaxes over M (paper, section 2).</summary>
public abstract class Controller(int choose, int modules) : nn.Module("controller")
{
    /// <summary>K.</summary>
    public int Choose { get; } = choose;

    /// <summary>M.</summary>
    public int Modules { get; } = modules;

    /// <summary>
    /// Whether the choices are latent: a selector makes them, they are part of a* and of log p(a|x). Otherwise the data give
    /// them.
    /// </summary>
    public virtual bool Latent => true;

    /// <summary>The name, for messages, of the layer that took the controller over.</summary>
    internal string Layer { get; set; } = "controller";

    /// <summary>
    /// x [n, …in] → distributions [n, K, M]. <paramref name="beside"/> is what the controller reads beside x, row by row;
    /// null for most.
    /// </summary>
    public abstract ChoiceDistribution Distribution(Tensor x, Tensor? beside = null);

    /// <summary>
    /// Adds the weights W_noise of noisy top-k (Shazeer et al. 2017, Eq. 4), zero at first. UserException where the controller
    /// has no place for them.
    /// </summary>
    internal virtual void AddNoise() => throw new UserException(
        $"{Layer}/controller",
        "a controller that ends in a linear map of its own, for noisy top-k",
        GetType().Name,
        "use Linear, Mlp, Conv or Task");

    /// <summary>Takes from a route what the controller reads of B datapoints beside x: [B], [B, K], or null.</summary>
    internal virtual Tensor? Beside(Route route, long datapoints) => null;

    /// <summary>Nothing: what a controller holds it registers itself, by names of its choice.</summary>
    protected override void RegisterComponents()
    {
    }
}
