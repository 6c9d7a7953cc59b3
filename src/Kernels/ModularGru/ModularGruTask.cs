namespace ModNet.Kernels;

/// <summary>One call of a modular GRU: its data, pinned. Null is what is not given or not wanted.</summary>
internal readonly unsafe struct ModularGruTask : IKernel
{
    internal ModularGruSize Size { get; init; }

    /// <summary>Whether gradients are wanted instead of a trace.</summary>
    internal bool GoesBack { get; init; }

    /// <summary>[B, T, I].</summary>
    internal float* X { get; init; }

    /// <summary>[B, H], or null for zeros.</summary>
    internal float* Initial { get; init; }

    internal ModularGruWeightPointers Weights { get; init; }

    /// <summary>[R, T, K]: the choices of the first R rows.</summary>
    internal long* Given { get; init; }

    /// <summary>R ≤ B.</summary>
    internal int GivenRows { get; init; }

    /// <summary>[T, B, K] in [0, 1): the other rows' modules are drawn by these. Where null, those rows take their most probable modules.</summary>
    internal float* Uniforms { get; init; }

    /// <summary>[T, B, M] standard normal numbers, where there is noise.</summary>
    internal float* Noise { get; init; }

    /// <summary>Written on the way forward, read on the way back.</summary>
    internal ModularGruTracePointers Trace { get; init; }

    /// <summary>The loss's derivatives in the trace, read on the way back; null stands for zeros.</summary>
    internal ModularGruTracePointers TraceGradient { get; init; }

    /// <summary>[B, T, I], written.</summary>
    internal float* XGradient { get; init; }

    /// <summary>[B, H], written, or null.</summary>
    internal float* InitialGradient { get; init; }

    /// <summary>Written on the way back, where not null.</summary>
    internal ModularGruWeightPointers Gradients { get; init; }

    public void Run<L, V>(int threads)
        where L : struct, ILanes<V>
        where V : struct
    {
        ModularGruPass<L, V> pass = new(this, threads);
        if (GoesBack)
        {
            pass.Backward();
        }
        else
        {
            pass.Forward();
        }
    }
}

/// <summary>The same as <see cref="ModularGruWeights"/>, pinned. What is empty there is null here.</summary>
internal readonly unsafe struct ModularGruWeightPointers(
    float* gate, float* gateBias, float* controller, float* controllerBias, float* noise, float* module, float* moduleBias)
{
    internal readonly float* Gate = gate;
    internal readonly float* GateBias = gateBias;
    internal readonly float* Controller = controller;
    internal readonly float* ControllerBias = controllerBias;
    internal readonly float* Noise = noise;
    internal readonly float* Module = module;
    internal readonly float* ModuleBias = moduleBias;
}

/// <summary>The same as <see cref="ModularGruTrace"/>, pinned. What is empty there is null here.</summary>
internal readonly unsafe struct ModularGruTracePointers(
    float* states, float* logProbabilities, long* indices, float* factors, float* record)
{
    internal readonly float* States = states;
    internal readonly float* LogProbabilities = logProbabilities;
    internal readonly long* Indices = indices;
    internal readonly float* Factors = factors;
    internal readonly float* Record = record;
}
