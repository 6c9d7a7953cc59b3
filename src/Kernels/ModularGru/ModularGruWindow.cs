namespace ModNet.Kernels;

/// <summary>
/// A modular GRU (paper, appendix A) with linear modules and a linear controller over a whole window: z, r = σ(W·[h, x]);
/// candidate = ReLU(Σ_k f_{a_k}([r⊙h, x])); h' = (1 − z)⊙h + z⊙candidate; a from K softmaxes of a linear map of [h, x].
/// Rows are independent of each other: a row's results are the same bits whichever rows are beside it.
/// <para>
/// The choices of the first rows may be given. The others are drawn, or are the most probable modules. A drawn module is the first one
/// at which the running sum of the probabilities exceeds u times their whole sum, where u is the uniform number given for it.
/// </para>
/// <para>
/// With a gate (<see cref="ModularGruSize.TopK"/>; Shazeer et al. 2017, Eqs. 3–5) the sum is Σ_j w_j·f_{a_j} over the k modules with
/// the highest H instead, and w is a softmax of H over those.
/// </para>
/// </summary>
public static unsafe class ModularGruWindow
{
    /// <summary>How many numbers one step of one row leaves in <see cref="ModularGruTrace.Record"/>.</summary>
    public static int RecordLength(in ModularGruSize size) => new ModularGruLayout(size, new Cores(threads: 1).ForRows(size.Hidden).Lanes).RecordLength;

    /// <summary>Runs the window.</summary>
    /// <param name="size">B ≥ 0, all other sizes ≥ 1.</param>
    /// <param name="x">[B, T, I].</param>
    /// <param name="initial">h at first, [B, H]; empty for zeros.</param>
    /// <param name="weights">The parameters.</param>
    /// <param name="choices">How modules are chosen.</param>
    /// <param name="trace">Out.</param>
    /// <param name="cores">How many threads may work.</param>
    /// <exception cref="ArgumentException">A length does not fit the sizes.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A given choice lies outside [0, M), or a size is too small.</exception>
    public static void Forward(
        in ModularGruSize size,
        ReadOnlySpan<float> x,
        ReadOnlySpan<float> initial,
        in ModularGruWeights weights,
        in ModularGruChoices choices,
        in ModularGruTrace trace,
        Cores cores)
    {
        Check(size, x.Length, initial.Length, weights);
        cores = cores.ForRows(size.Hidden);
        trace.Check(size, !trace.Record.IsEmpty, cores.Lanes);
        int givenRows = choices.Check(size);
        ModularGruTask task = new() { Size = size, GivenRows = givenRows };
        Run(task, x, initial, weights, choices, trace, default, default, default, default, cores);
    }

    /// <summary>
    /// Gradients of a loss, from its derivatives in states, log-probabilities and factors. Modules that nothing chose get exactly zero.
    /// </summary>
    /// <param name="size">The same as in <see cref="Forward"/>, and so are x, initial and weights.</param>
    /// <param name="x">[B, T, I].</param>
    /// <param name="initial">[B, H], or empty.</param>
    /// <param name="weights">The parameters.</param>
    /// <param name="trace">What <see cref="Forward"/> left, record included.</param>
    /// <param name="traceGradient">The loss's derivatives in states, log-probabilities and factors. What is empty stands for zeros.</param>
    /// <param name="xGradient">Out, overwritten: [B, T, I].</param>
    /// <param name="initialGradient">Out, overwritten: [B, H]. Empty where it is not wanted.</param>
    /// <param name="gradients">Out, overwritten.</param>
    /// <param name="cores">How many threads may work. The same number gives the same bits.</param>
    /// <exception cref="ArgumentException">A length does not fit the sizes.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A size is too small.</exception>
    public static void Backward(
        in ModularGruSize size,
        ReadOnlySpan<float> x,
        ReadOnlySpan<float> initial,
        in ModularGruWeights weights,
        in ModularGruTrace trace,
        in ModularGruTrace traceGradient,
        Span<float> xGradient,
        Span<float> initialGradient,
        in ModularGruWeights gradients,
        Cores cores)
    {
        Check(size, x.Length, initial.Length, weights);
        cores = cores.ForRows(size.Hidden);
        trace.Check(size, true, cores.Lanes);
        traceGradient.CheckGradient(size);
        Expected.Length(xGradient.Length, x.Length, nameof(xGradient), "[B, T, I]");
        Expected.LengthOrNone(initialGradient.Length, (long)size.Rows * size.Hidden, nameof(initialGradient), "[B, H]");
        gradients.Check(size, nameof(gradients), controller: !gradients.Controller.IsEmpty);
        ModularGruTask task = new() { Size = size, GoesBack = true };
        Run(task, x, initial, weights, default, trace, traceGradient, xGradient, initialGradient, gradients, cores);
    }

    private static void Check(in ModularGruSize size, int x, int initial, in ModularGruWeights weights)
    {
        size.Check();
        Expected.Length(x, (long)size.Rows * size.Steps * size.Inputs, nameof(x), "[B, T, I]");
        Expected.LengthOrNone(initial, (long)size.Rows * size.Hidden, nameof(initial), "[B, H]");
        weights.Check(size, nameof(weights), controller: true);
    }

    // Pins everything, so that threads can share it. A span that is left out becomes a null pointer.
    private static void Run(
        ModularGruTask task,
        ReadOnlySpan<float> x,
        ReadOnlySpan<float> initial,
        in ModularGruWeights weights,
        in ModularGruChoices choices,
        in ModularGruTrace trace,
        in ModularGruTrace traceGradient,
        ReadOnlySpan<float> xGradient,
        ReadOnlySpan<float> initialGradient,
        in ModularGruWeights gradients,
        Cores cores)
    {
        fixed (float* px = x, ph = initial, gate = weights.Gate, gateBias = weights.GateBias, noiseWeight = weights.Noise)
        fixed (float* controller = weights.Controller, controllerBias = weights.ControllerBias)
        fixed (float* module = weights.Module, moduleBias = weights.ModuleBias)
        fixed (float* uniforms = choices.Uniforms, noise = choices.Noise)
        fixed (float* states = trace.States, logs = trace.LogProbabilities, factors = trace.Factors, record = trace.Record)
        fixed (long* given = choices.Given, indices = trace.Indices)
        fixed (float* dStates = traceGradient.States, dLogs = traceGradient.LogProbabilities, dFactors = traceGradient.Factors)
        fixed (float* dx = xGradient, dh = initialGradient, dGate = gradients.Gate, dGateBias = gradients.GateBias)
        fixed (float* dController = gradients.Controller, dControllerBias = gradients.ControllerBias, dNoise = gradients.Noise)
        fixed (float* dModule = gradients.Module, dModuleBias = gradients.ModuleBias)
        {
            cores.Run(task with
            {
                X = px,
                Initial = ph,
                Weights = new(gate, gateBias, controller, controllerBias, noiseWeight, module, moduleBias),
                Given = given,
                Uniforms = uniforms,
                Noise = noise,
                Trace = new(states, logs, indices, factors, record),
                TraceGradient = new(dStates, dLogs, null, dFactors, null),
                XGradient = dx,
                InitialGradient = dh,
                Gradients = new(dGate, dGateBias, dController, dControllerBias, dNoise, dModule, dModuleBias),
            });
        }
    }
}
