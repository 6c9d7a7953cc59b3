namespace ModNet.Kernels;

/// <summary>The sizes of a modular GRU and of what it runs over.</summary>
/// <param name="Rows">B.</param>
/// <param name="Steps">T.</param>
/// <param name="Inputs">I, the width of x.</param>
/// <param name="Hidden">H, the width of h.</param>
/// <param name="Modules">M.</param>
/// <param name="Choose">K.</param>
public readonly record struct ModularGruSize(int Rows, int Steps, int Inputs, int Hidden, int Modules, int Choose)
{
    /// <summary>Whether each module ends in a ReLU of its own, beside the one on their sum.</summary>
    public bool ReluInside { get; init; }

    /// <summary>Whether a module that several positions of a row chose counts once in all instead of once for each.</summary>
    public bool Once { get; init; }

    /// <summary>Whether the gradient of log-probabilities, and of a gate, stays out of h and x.</summary>
    public bool StopGradient { get; init; }

    /// <summary>
    /// k of a noisy top-k gate: for every row and step the k modules of highest H run, weighted by a softmax over those k, where H
    /// is log p with or without noise; K is then 1. 0 is without a gate: each of K positions has its module, and all count the same.
    /// </summary>
    public int TopK { get; init; }

    /// <summary>Whether a gate's H = log p + noise⊙softplus(W_noise·[h, x]).</summary>
    public bool Noisy { get; init; }

    /// <summary>H + I, the width of [h, x].</summary>
    internal int Both => Hidden + Inputs;

    /// <summary>K or k: how many modules run for a row at a step.</summary>
    internal int Runs => TopK > 0 ? TopK : Choose;

    /// <summary>
    /// Whether the modules' own outputs are needed to go back: to their factors, or through their ReLUs, where of one alone its sum's
    /// say the same.
    /// </summary>
    internal bool KeepsOutputs => TopK > 0 || (ReluInside && Choose > 1);
}

/// <summary>One call's data, pinned: what a modular GRU is given and where its results go. Null is what is not given or not asked for.</summary>
internal readonly unsafe struct ModularGruTask
{
    internal ModularGruSize Size { get; init; }

    /// <summary>[B, T, I].</summary>
    internal float* X { get; init; }

    /// <summary>[B, H], or null for zeros.</summary>
    internal float* Initial { get; init; }

    /// <summary>[2·H, H + I], z's rows first.</summary>
    internal float* GateWeight { get; init; }

    /// <summary>[2·H].</summary>
    internal float* GateBias { get; init; }

    /// <summary>[K·M, H + I].</summary>
    internal float* ControllerWeight { get; init; }

    /// <summary>[K·M].</summary>
    internal float* ControllerBias { get; init; }

    /// <summary>[M, H + I], or null where there is no noise.</summary>
    internal float* NoiseWeight { get; init; }

    /// <summary>[M, H, H + I].</summary>
    internal float* ModuleWeight { get; init; }

    /// <summary>[M, H], or null for zeros.</summary>
    internal float* ModuleBias { get; init; }

    /// <summary>[R, T, K]: the choices of the first R rows.</summary>
    internal long* Given { get; init; }

    /// <summary>R ≤ B.</summary>
    internal int GivenRows { get; init; }

    /// <summary>[T, B, K] in [0, 1): what the other rows are drawn by; null takes their most probable modules.</summary>
    internal float* Uniforms { get; init; }

    /// <summary>[T, B, M] standard normals, where there is noise.</summary>
    internal float* Noise { get; init; }

    /// <summary>[B, T, H]: out, going back in.</summary>
    internal float* States { get; init; }

    /// <summary>[B, T, K, M]: out, going back in.</summary>
    internal float* LogProbabilities { get; init; }

    /// <summary>[B, T, K or k]: out, going back in.</summary>
    internal long* Indices { get; init; }

    /// <summary>[B, T, k]: out, going back in; null without a gate.</summary>
    internal float* Factors { get; init; }

    /// <summary>[B, T, …] of <see cref="ModularGruLayout.RecordLength"/> each: out or null, going back in.</summary>
    internal float* Record { get; init; }

    /// <summary>What going back is given and gives.</summary>
    internal ModularGruGradients Gradients { get; init; }
}

/// <summary>Derivatives of a loss: in what comes out, given or null for zeros, and in what goes in, out.</summary>
internal readonly unsafe struct ModularGruGradients
{
    /// <summary>[B, T, H], in or null.</summary>
    internal float* States { get; init; }

    /// <summary>[B, T, K, M], in or null.</summary>
    internal float* LogProbabilities { get; init; }

    /// <summary>[B, T, k], in or null.</summary>
    internal float* Factors { get; init; }

    /// <summary>[B, T, I], out.</summary>
    internal float* X { get; init; }

    /// <summary>[B, H], out or null.</summary>
    internal float* Initial { get; init; }

    /// <summary>[2·H, H + I], out.</summary>
    internal float* GateWeight { get; init; }

    /// <summary>[2·H], out.</summary>
    internal float* GateBias { get; init; }

    /// <summary>[K·M, H + I], out, or null where there is no gate and <see cref="LogProbabilities"/> is.</summary>
    internal float* ControllerWeight { get; init; }

    /// <summary>[K·M], out, likewise.</summary>
    internal float* ControllerBias { get; init; }

    /// <summary>[M, H + I], out, or null where there is no noise.</summary>
    internal float* NoiseWeight { get; init; }

    /// <summary>[M, H, H + I], out.</summary>
    internal float* ModuleWeight { get; init; }

    /// <summary>[M, H], out or null.</summary>
    internal float* ModuleBias { get; init; }
}
