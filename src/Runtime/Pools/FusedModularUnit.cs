using ModNet.Kernels;
using static ModNet.Runtime.TensorSpans;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Runs the chosen modules of a chain by our own kernel, which takes rows through all stages, for float32 on the CPU; it is joined to autograd. The other dispatches,
/// which use libtorch's operators, are its oracles and serve all other dtypes and devices.
/// </summary>
internal static class FusedModularUnit
{
    // Where the parameters begin among the arguments of the function.
    private const int Parameters = 3;

    /// <summary>x [B, in], indices [B, K] → [B, K, out], with gradient in x and all parameters where gradients are enabled.</summary>
    internal static Tensor Run(UnitPlan plan, Tensor x, Tensor indices)
    {
        ModularUnitSize size = plan.Size(x.shape[0], indices.shape[1]);
        // In the order of sorted choices, as grouped rows have it, so that the same numbers fall to the same values.
        Tensor[] factors =
        [
            .. plan.Stages.Where(s => s.Dropout is not null)
                .Select(s => s.Dropout!.Factors([indices.numel(), s.Stage.Outputs], ScalarType.Float32)),
        ];
        Tensor[] parameters = [.. plan.Stages.SelectMany(s => (Tensor?[])[s.First, s.Second]).OfType<Tensor>()];
        bool[] seconds = [.. plan.Stages.Select(s => s.Second is not null)];
        Tensor outputs = is_grad_enabled()
            ? Function.apply([x, indices, new Call(size, seconds, factors, plan.InUse is not null), .. parameters])
            : Forward(size, x.contiguous(), indices.contiguous(), Arrays(size, seconds, parameters, factors), null);
        return plan.After.Apply(outputs);
    }

    private static Tensor Forward(ModularUnitSize size, Tensor x, Tensor indices, UnitArrays[] arrays, Tensor? kept)
    {
        Tensor output = empty(size.Rows, size.Choose, size.Outputs, dtype: ScalarType.Float32);
        ModularUnit.Forward(size, Floats(x), Longs(indices), arrays, Floats(kept), Floats(output), get_num_threads());
        return output;
    }

    // What each stage has of parameters (or gradients of them) and factors, which lie in the order of stages.
    private static UnitArrays[] Arrays(ModularUnitSize size, bool[] seconds, IEnumerable<Tensor> parameters, IEnumerable<Tensor> factors)
    {
        Queue<Tensor> own = new(parameters), given = new(factors);
        FixedFloats Next(Queue<Tensor> from) => from.Count == 0 ? default : new(Floats(from.Dequeue()));
        return
        [
            .. size.Stages.Select((stage, s) => stage.Kind switch
            {
                UnitStageKind.Linear or UnitStageKind.Norm => new UnitArrays(Next(own), seconds[s] ? Next(own) : default),
                UnitStageKind.Factors => new UnitArrays(Next(given)),
                _ => default,
            }),
        ];
    }

    private sealed record Call(ModularUnitSize Size, bool[] Seconds, Tensor[] Factors, bool TracksUse);

    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(FusedModularUnit);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (given, call) = ((Tensor)vars[0], (Call)vars[2]);
            Tensor x = given.contiguous(), indices = ((Tensor)vars[1]).contiguous();
            Tensor[] parameters = [.. vars.Skip(Parameters).Cast<Tensor>()];
            Tensor kept = empty(ModularUnit.KeptLength(call.Size), dtype: ScalarType.Float32);
            Tensor output = Forward(call.Size, x, indices, Arrays(call.Size, call.Seconds, parameters, call.Factors), kept);
            // The tensors of the call are saved as tensors, so that they live as long as the graph does.
            ctx.save_data("call", call with { Factors = [] });
            ctx.save_data("x", given.requires_grad);
            ctx.save_for_backward([indices, kept, .. parameters, .. call.Factors]);
            return output;
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            List<Tensor> saved = ctx.get_saved_variables();
            var call = (Call)ctx.get_data("call")!;
            ModularUnitSize size = call.Size;
            (Tensor indices, Tensor kept) = (saved[0], saved[1]);
            int factors = size.Stages.Count(s => s.Kind == UnitStageKind.Factors);
            Tensor[] parameters = [.. saved.Skip(2).SkipLast(factors)];
            Tensor? xGradient = (bool)ctx.get_data("x")! ? empty(size.Rows, size.Inputs, dtype: ScalarType.Float32) : null;
            // Where the pool tracks its modules in use, the gradients have rows for those alone.
            long[]? used = call.TracksUse ? ModularLinear.InUse(Longs(indices), size.Modules) : null;
            Tensor[] gradients =
                [.. parameters.Select(p => empty([used?.Length ?? size.Modules, .. p.shape[1..]], dtype: ScalarType.Float32))];
            ModularUnit.Backward(
                size,
                Longs(indices),
                Arrays(size, call.Seconds, parameters, saved.TakeLast(factors)),
                Floats(kept),
                Floats(grad_output.contiguous()),
                Floats(xGradient),
                Arrays(size, call.Seconds, gradients, []),
                get_num_threads());
            IEnumerable<Tensor> each = used is null
                ? gradients
                : gradients.Select(g => RowSelection.Gradient(tensor(used), g, size.Modules));
            return [xGradient!, null!, null!, .. each];
        }
    }
}
