namespace ModNet.Kernels;

/// <summary>The calls of <see cref="ModularGruWindow"/> at a given register width: checks, pins and runs.</summary>
internal static unsafe class ModularGruCall
{
    internal static void Forward(
        in ModularGruSize size,
        ReadOnlySpan<float> x,
        ReadOnlySpan<float> initial,
        in ModularGruWeights weights,
        ReadOnlySpan<long> given,
        ReadOnlySpan<float> uniforms,
        in ModularGruTrace trace,
        int threads,
        int lanes)
    {
        ModularGruArguments.Check(size, x.Length, initial.Length, weights, trace, backward: false, lanes, threads);
        int givenRows = ModularGruArguments.CheckChoices(size, given, uniforms.Length);
        fixed (float* px = x, ph = initial, gate = weights.Gate, gateBias = weights.GateBias)
        fixed (float* controller = weights.Controller, controllerBias = weights.ControllerBias)
        fixed (float* module = weights.Module, moduleBias = weights.ModuleBias, u = uniforms)
        fixed (float* states = trace.States, logs = trace.LogProbabilities, record = trace.Record)
        fixed (long* indices = trace.Indices, choices = given)
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
                    Given = choices,
                    GivenRows = givenRows,
                    Uniforms = u,
                    States = states,
                    LogProbabilities = logs,
                    Indices = indices,
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
        ReadOnlySpan<float> statesGradient,
        ReadOnlySpan<float> logGradient,
        Span<float> xGradient,
        Span<float> initialGradient,
        in ModularGruWeights gradients,
        int threads,
        int lanes)
    {
        ModularGruArguments.Check(size, x.Length, initial.Length, weights, trace, backward: true, lanes, threads);
        ModularGruArguments.CheckGradients(
            size, statesGradient.Length, logGradient.Length, xGradient.Length, initialGradient.Length, gradients);
        fixed (float* px = x, ph = initial, gate = weights.Gate, controller = weights.Controller, module = weights.Module)
        fixed (float* states = trace.States, logs = trace.LogProbabilities, record = trace.Record)
        fixed (float* dStates = statesGradient, dLogs = logGradient, dx = xGradient, dInitial = initialGradient)
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
                    ModuleWeight = module,
                    States = states,
                    LogProbabilities = logs,
                    Indices = indices,
                    Record = record,
                    Gradients = new ModularGruGradients
                    {
                        States = dStates,
                        LogProbabilities = dLogs,
                        X = dx,
                        Initial = dInitial,
                        GateWeight = dGate,
                        GateBias = dGateBias,
                        ControllerWeight = dController,
                        ControllerBias = dControllerBias,
                        ModuleWeight = dModule,
                        ModuleBias = dModuleBias,
                    },
                },
                threads,
                lanes);
        }
    }
}
