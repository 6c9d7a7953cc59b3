namespace ModNet.Kernels;

/// <summary>One call of a modular GRU: its data, pinned. Null is what is not given or not wanted.</summary>
internal readonly unsafe struct ModularGruTask : IKernel
{
    internal ModularGruSize Size { get; init; }
    internal bool GoesBack { get; init; }           // whether gradients are wanted instead of a trace
    internal float* X { get; init; }                // [B, T, I]
    internal float* Initial { get; init; }          // [B, H], or null for zeros
    internal ModularGruWeightPointers Weights { get; init; }
    internal long* Given { get; init; }             // [R, T, K], the choices of the first R rows
    internal int GivenRows { get; init; }           // R ≤ B
    internal float* Uniforms { get; init; }         // [T, B, K], what the other rows are drawn by; null takes their most probable modules
    internal float* Noise { get; init; }            // [T, B, M], where there is noise
    internal ModularGruTracePointers Trace { get; init; }           // written on the way forward, read on the way back
    internal ModularGruTracePointers TraceGradient { get; init; }   // read on the way back; null stands for zeros
    internal float* XGradient { get; init; }        // [B, T, I], written
    internal float* InitialGradient { get; init; }  // [B, H], written, or null
    internal ModularGruWeightPointers Gradients { get; init; }      // written on the way back, where not null

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
