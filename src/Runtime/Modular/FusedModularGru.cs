using ModNet.Kernels;
using TorchSharp;
using static ModNet.Runtime.TensorSpans;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What a modular GRU reads: x [B, T, in], the initial state h [B, hidden] or null for zeros, and its parameters.</summary>
internal sealed record ModularGruInputs(
    Tensor X,
    Tensor? Initial,
    Tensor GateWeight,
    Tensor GateBias,
    Tensor ControllerWeight,
    Tensor ControllerBias,
    Tensor ModuleWeight,
    Tensor? ModuleBias,
    Tensor? NoiseWeight);

/// <summary>
/// What a modular GRU gives: the states [B, T, hidden], log p(·|h, x) [B, T, K, M], and the modules that ran, [B, T, K] int64; under a gate
/// the modules are [B, T, k], and their weights have the same shape.
/// </summary>
internal readonly record struct ModularGruOutputs(Tensor States, Tensor LogProbabilities, Tensor Indices, Tensor? Weights);

/// <summary>
/// The modular GRU by our own kernel, for float32 on the CPU: it runs a whole window in one call and is joined to autograd. Running step by
/// step through libtorch's operators is its oracle, and serves all other dtypes and devices.
/// </summary>
internal static class FusedModularGru
{
    // The kernel goes through a step's weights row by row. While the second-level cache holds them, it is two to ten times as fast as
    // libtorch; with more weights libtorch's matrix products over many rows are faster (from H = I = 128, M = 5, K = 1 on).
    private const long MostWeights = 1 << 16;

    /// <summary>Whether the kernel takes x [B, T, in] and a GRU of this width of whose modules <paramref name="runs"/> run for a row.</summary>
    internal static bool Takes(Tensor x, int hidden, LogitController controller, LinearPool pool, int runs)
    {
        long logits = (controller.Choose + (controller.Noise is null ? 0L : 1L)) * controller.Modules;
        long outputs = (2L + runs) * hidden + logits;
        return x.dtype == ScalarType.Float32
            && !Accelerator.Holds(x)
            && pool.Weight.dtype == ScalarType.Float32
            && x.shape[1] > 0
            && outputs * (hidden + x.shape[2]) <= MostWeights;
    }

    /// <summary>Runs the window, with gradient where gradients are enabled.</summary>
    internal static ModularGruOutputs Run(ModularGruInputs inputs, in ModularGruSize size, WindowChoice choice)
    {
        if (!is_grad_enabled())
        {
            return Forward(inputs, size, choice, null);
        }

        List<Tensor> outputs = Function.apply(
            inputs.X,
            inputs.Initial!,
            inputs.GateWeight,
            inputs.GateBias,
            inputs.ControllerWeight,
            inputs.ControllerBias,
            inputs.ModuleWeight,
            inputs.ModuleBias!,
            inputs.NoiseWeight!,
            new Window(size, choice));
        return new(outputs[0], outputs[1], outputs[2], size.TopK > 0 ? outputs[3] : null);
    }

    private static ModularGruOutputs Forward(
        ModularGruInputs inputs, in ModularGruSize size, WindowChoice choice, Tensor? record)
    {
        (long rows, long steps, long choose, long top) = (size.Rows, size.Steps, size.Choose, size.TopK);
        var outputs = new ModularGruOutputs(
            empty(rows, steps, size.Hidden, dtype: ScalarType.Float32),
            empty(rows, steps, choose, size.Modules, dtype: ScalarType.Float32),
            empty(rows, steps, top > 0 ? top : choose, dtype: ScalarType.Int64),
            top > 0 ? empty(rows, steps, top, dtype: ScalarType.Float32) : null);
        using Tensor x = inputs.X.contiguous();
        using Tensor? initial = inputs.Initial?.contiguous();
        using Tensor? given = choice.Given?.contiguous();
        using Tensor? noise = size.Noisy ? choice.Gate!.Draw(steps, rows, size.Modules) : null;
        ModularGruWindow.Forward(
            size,
            Floats(x),
            Floats(initial),
            Weights(inputs),
            new()
            {
                Given = Longs(given),
                Uniforms = Floats(choice.Uniforms),
                Noise = Floats(noise),
            },
            Trace(outputs, record),
            get_num_threads());
        return outputs;
    }

    private static ModularGruWeights Weights(ModularGruInputs of) => new()
    {
        Gate = Floats(of.GateWeight),
        GateBias = Floats(of.GateBias),
        Controller = Floats(of.ControllerWeight),
        ControllerBias = Floats(of.ControllerBias),
        Module = Floats(of.ModuleWeight),
        ModuleBias = Floats(of.ModuleBias),
        Noise = Floats(of.NoiseWeight),
    };

    private static ModularGruTrace Trace(in ModularGruOutputs outputs, Tensor? record) => new()
    {
        States = Floats(outputs.States),
        LogProbabilities = Floats(outputs.LogProbabilities),
        Indices = Longs(outputs.Indices),
        Factors = Floats(outputs.Weights),
        Record = Floats(record),
    };

    /// <summary>How many undefined gradients this thread was given. TorchSharp counts each as a live tensor for ever, so tests subtract them.</summary>
    internal static long UndefinedGradients => undefinedGradients;

    [ThreadStatic]
    private static long undefinedGradients;

    // An undefined gradient is given as null, or as a tensor without a handle.
    private static Tensor? Defined(Tensor? gradient)
    {
        if (gradient is { IsInvalid: true })
        {
            undefinedGradients++;
            return null;
        }

        return gradient;
    }

    private sealed record Window(ModularGruSize Size, WindowChoice Choice);

    private sealed class Function : autograd.MultiTensorFunction<Function>
    {
        public override string Name => nameof(FusedModularGru);

        public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var inputs = new ModularGruInputs(
                (Tensor)vars[0],
                (Tensor?)vars[1],
                (Tensor)vars[2],
                (Tensor)vars[3],
                (Tensor)vars[4],
                (Tensor)vars[5],
                (Tensor)vars[6],
                (Tensor?)vars[7],
                (Tensor?)vars[8]);
            var window = (Window)vars[9];
            ModularGruSize size = window.Size;
            Tensor record = empty(
                size.Rows, size.Steps, ModularGruWindow.RecordLength(size), dtype: ScalarType.Float32);
            ModularGruOutputs outputs = Forward(inputs, size, window.Choice, record);
            ctx.set_materialize_grads(false);
            // The indices are whole numbers, so autograd gives them no gradient; saying it by mark_non_differentiable would crash now and
            // then, because TorchSharp 0.107.0 hands over an array that the garbage collector may have moved.
            ctx.save_data("size", size);
            Tensor?[] optional = [inputs.Initial, inputs.ModuleBias, inputs.NoiseWeight, outputs.Weights];
            ctx.save_data("present", Array.ConvertAll(optional, t => t is not null));
            ctx.save_for_backward(
            [
                inputs.X, inputs.GateWeight, inputs.GateBias, inputs.ControllerWeight, inputs.ControllerBias, inputs.ModuleWeight,
                outputs.States, outputs.LogProbabilities, outputs.Indices, record, .. optional.OfType<Tensor>(),
            ]);
            List<Tensor> results = [outputs.States, outputs.LogProbabilities, outputs.Indices];
            return outputs.Weights is null ? results : [.. results, outputs.Weights];
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
        {
            List<Tensor> saved = ctx.get_saved_variables();
            var size = (ModularGruSize)ctx.get_data("size")!;
            var rest = new Queue<Tensor>(saved.Skip(10));
            Tensor?[] optional = Array.ConvertAll((bool[])ctx.get_data("present")!, there => there ? rest.Dequeue() : null);
            Tensor? initial = optional[0]?.contiguous(), moduleBias = optional[1], noise = optional[2];
            var inputs = new ModularGruInputs(
                saved[0].contiguous(), initial, saved[1], saved[2], saved[3], saved[4], saved[5], moduleBias, noise);
            Tensor?[] given = [.. grad_outputs.Select(g => Defined(g)?.contiguous())];
            bool controlled = given[1] is not null || size.TopK > 0;
            var gradients = new ModularGruInputs(
                empty_like(inputs.X),
                initial is null ? null : empty_like(initial),
                empty_like(inputs.GateWeight),
                empty_like(inputs.GateBias),
                // A controller that nothing reads has no gradient at all, as if it had not run.
                controlled ? empty_like(inputs.ControllerWeight) : null!,
                controlled ? empty_like(inputs.ControllerBias) : null!,
                empty_like(inputs.ModuleWeight),
                moduleBias is null ? null : empty_like(moduleBias),
                noise is null ? null : empty_like(noise));
            ModularGruWindow.Backward(
                size,
                Floats(inputs.X),
                Floats(initial),
                Weights(inputs),
                Trace(new(saved[6], saved[7], saved[8], optional[3]), saved[9]),
                new()
                {
                    States = Floats(given[0]),
                    LogProbabilities = Floats(given[1]),
                    Factors = given.Length > 3 ? Floats(given[3]) : default,
                },
                Floats(gradients.X),
                Floats(gradients.Initial),
                Weights(gradients),
                get_num_threads());
            return
            [
                gradients.X, gradients.Initial!, gradients.GateWeight, gradients.GateBias, gradients.ControllerWeight,
                gradients.ControllerBias, gradients.ModuleWeight, gradients.ModuleBias!, gradients.NoiseWeight!, null!,
            ];
        }
    }
}
