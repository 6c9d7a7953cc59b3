namespace ModNet.Runtime;

/// <summary>What a modular layer chose for N datapoints. Of a sequence every time step is a site; other layers have one, T = 1.</summary>
public sealed class RoutingLayer
{
    /// <summary>Arrays in the shapes of the properties. ArgumentException where they do not fit each other.</summary>
    public RoutingLayer(
        string name, int modules, bool latent, int[,,] selections, float[,,,]? probabilities = null, float[,,]? weights = null)
    {
        int[] shape = [.. Enumerable.Range(0, 3).Select(selections.GetLength)];
        bool fits = probabilities is null
            || (probabilities.GetLength(0) == shape[0] && probabilities.GetLength(1) == shape[1] && probabilities.GetLength(3) == modules);
        bool weighted = weights is null || Enumerable.Range(0, 3).All(i => weights.GetLength(i) == shape[i]);
        if (!fits || !weighted || selections.Cast<int>().Any(m => m < 0 || m >= modules))
        {
            throw new ArgumentException(
                $"{name}: expected selections [N, T, K] of {modules} modules, probabilities [N, T, P, {modules}] and weights "
                + "[N, T, K] – take them from one tape");
        }

        (Name, Modules, Latent, Selections, Probabilities, Weights) = (name, modules, latent, selections, probabilities, weights);
    }

    /// <summary>Name of the layer in its graph.</summary>
    public string Name { get; }

    /// <summary>M.</summary>
    public int Modules { get; }

    /// <summary>Whether a controller chose; otherwise the data gave the choices.</summary>
    public bool Latent { get; }

    /// <summary>[N, T, K]: the modules that ran, from 0. K is the layer's own, but under noisy top-k that method's k.</summary>
    public int[,,] Selections { get; }

    /// <summary>
    /// [N, T, P, M]: the distribution that the choice came by, a softmax over M for each of P = K positions; under noisy top-k the
    /// gate, P = 1, with 0 for modules that did not run. Null for given choices, and where the method reads no controller
    /// (static modules).
    /// </summary>
    public float[,,,]? Probabilities { get; }

    /// <summary>[N, T, K]: factors on the outputs of the modules that ran; null for ones (all methods but noisy top-k).</summary>
    public float[,,]? Weights { get; }

    /// <summary>
    /// [N, T, K]: the assignments a*, which an E-step chose, of training datapoints; null for others, and for methods without them.
    /// </summary>
    public int[,,]? Held { get; init; }

    /// <summary>T, the sites of one datapoint.</summary>
    public int Times => Selections.GetLength(1);

    /// <summary>K, the modules that run at one site.</summary>
    public int Choose => Selections.GetLength(2);
}
