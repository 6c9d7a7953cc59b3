namespace ModNet.Kernels;

/// <summary>The calls of <see cref="ModularGruWindow"/> at a given register width: checks, pins and runs.</summary>
internal static unsafe class ModularGruCall
{
    internal static void Forward(
        in ModularGruSize size,
        ReadOnlySpan<float> x,
        ReadOnlySpan<float> initial,
        in ModularGruWeights weights,
        in ModularGruChoices choices,
        in ModularGruTrace trace,
        int threads,
        int lanes)
    {
        ModularGruArguments.Check(size, x.Length, initial.Length, weights, trace, backward: false, lanes, threads);
        int givenRows = ModularGruArguments.CheckChoices(size, choices);
        fixed (float* px = x, ph = initial, gate = weights.Gate, gateBias = weights.GateBias)
        fixed (float* controller = weights.Controller, controllerBias = weights.ControllerBias)
        fixed (float* module = weights.Module, moduleBias = weights.ModuleBias, deviation = weights.Noise)
        fixed (float* states = trace.States, logs = trace.LogProbabilities, factors = trace.Factors, record = trace.Record)
        fixed (float* uniforms = choices.Uniforms, noise = choices.Noise)
        fixed (long* indices = trace.Indices, given = choices.Given)
        {
            ModularGruPass.Forward(
                new ModularGruTask
                {
                    Size = size,
                    X = px,
                    Initial = ph,
                    GateWeight = gate,
                    GateBias = gateBias,
                    ControllerWeight = controller,
                    ControllerBias = controllerBias,
                    ModuleWeight = module,
                    ModuleBias = moduleBias,
                    NoiseWeight = deviation,
                    Given = given,
                    GivenRows = givenRows,
                    Uniforms = uniforms,
                    Noise = noise,
                    States = states,
                    LogProbabilities = logs,
                    Indices = indices,
                    Factors = factors,
                    Record = record,
                },
                threads,
                lanes);
        }
    }

    internal static void Backward(
        in ModularGruSize size,
        ReadOnlySpan<float> x,
        ReadOnlySpan<float> initial,
        in ModularGruWeights weights,
        in ModularGruTrace trace,
        in ModularGruTrace traceGradient,
        Span<float> xGradient,
        Span<float> initialGradient,
        in ModularGruWeights gradients,
        int threads,
        int lanes)
    {
        ModularGruArguments.Check(size, x.Length, initial.Length, weights, trace, backward: true, lanes, threads);
        ModularGruArguments.CheckGradients(size, traceGradient, xGradient.Length, initialGradient.Length, gradients);
        fixed (float* px = x, ph = initial, gate = weights.Gate, controller = weights.Controller, module = weights.Module)
        fixed (float* states = trace.States, logs = trace.LogProbabilities, factors = trace.Factors, record = trace.Record)
        fixed (float* dStates = traceGradient.States, dLogs = traceGradient.LogProbabilities, dFactors = traceGradient.Factors)
        fixed (float* dx = xGradient, dInitial = initialGradient, deviation = weights.Noise, dDeviation = gradients.Noise)
        fixed (float* dGate = gradients.Gate, dGateBias = gradients.GateBias)
        fixed (float* dController = gradients.Controller, dControllerBias = gradients.ControllerBias)
        fixed (float* dModule = gradients.Module, dModuleBias = gradients.ModuleBias)
        fixed (long* indices = trace.Indices)
        {
            ModularGruPass.Backward(
                new ModularGruTask
                {
                    Size = size,
                    X = px,
                    Initial = ph,
                    GateWeight = gate,
                    ControllerWeight = controller,
                    NoiseWeight = deviation,
                    ModuleWeight = module,
                    States = states,
                    LogProbabilities = logs,
                    Indices = indices,
                    Factors = factors,
                    Record = record,
                    Gradients = new ModularGruGradients
                    {
                        States = dStates,
                        LogProbabilities = dLogs,
                        Factors = dFactors,
                        X = dx,
                        Initial = dInitial,
                        GateWeight = dGate,
                        GateBias = dGateBias,
                        ControllerWeight = dController,
                        ControllerBias = dControllerBias,
                        NoiseWeight = dDeviation,
                        ModuleWeight = dModule,
                        ModuleBias = dModuleBias,
                    },
                },
                threads,
                lanes);
        }
    }
}
