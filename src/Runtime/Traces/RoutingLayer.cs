namespace ModNet.Runtime;

/// <summary>What a modular layer chose for N datapoints at its T sites. On sequences every time step is a site; otherwise T = 1.</summary>
public sealed class RoutingLayer
{
    /// <summary>Takes arrays in the shapes of the properties. ArgumentException where they do not fit each other.</summary>
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

    /// <summary>The name of the layer in its graph.</summary>
    public string Name { get; }

    /// <summary>The name of the pool that the modules belong to; layers that share a pool name the same one. By default the layer's own name.</summary>
    public string Pool { get => field ?? Name; init; }

    /// <summary>M, the number of modules.</summary>
    public int Modules { get; }

    /// <summary>Whether a selector chose. Otherwise the data gave the choices.</summary>
    public bool Latent { get; }

    /// <summary>The modules that ran, numbered from 0: [N, T, K]. Under noisy and loss-free top-k, K is that method's k.</summary>
    public int[,,] Selections { get; }

    /// <summary>
    /// The distribution by which the modules were chosen, [N, T, P, M]: a softmax over M for each of P = K positions. Under noisy and loss-free top-k it is the
    /// gate, P = 1, with 0 for modules that did not run. Null for given choices, and where the method reads no controller (static modules).
    /// </summary>
    public float[,,,]? Probabilities { get; }

    /// <summary>The factors on the outputs of the modules that ran, [N, T, K]. Null stands for ones; only noisy and loss-free top-k have others.</summary>
    public float[,,]? Weights { get; }

    /// <summary>The assignments a* of training datapoints, [N, T, K]; null for other datapoints, and under methods without assignments.</summary>
    public int[,,]? Held { get; init; }

    /// <summary>T, the number of sites of one datapoint.</summary>
    public int Times => Selections.GetLength(1);

    /// <summary>K, the number of modules that run at one site.</summary>
    public int Choose => Selections.GetLength(2);
}
