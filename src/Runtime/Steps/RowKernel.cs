using ModNet.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using static ModNet.Runtime.TensorSpans;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Optimisers' steps by our own kernel, for float32 on the CPU: one pass over those rows of a parameter that are stepped.</summary>
internal static class RowKernel
{
    /// <summary>Whether it takes this parameter.</summary>
    internal static bool Takes(Tensor parameter) =>
        parameter.dtype == ScalarType.Float32
        && parameter.device_type == DeviceType.CPU
        && parameter.is_contiguous()
        // What spans can reach.
        && parameter.numel() <= int.MaxValue / sizeof(float);

    /// <summary>A step of rows [U] of a parameter [M, …], each row's <paramref name="steps"/>-th, on the optimiser's memory of it.</summary>
    internal static void Step(
        OptimizerKind kind,
        double rate,
        Tensor parameter,
        TorchSharp.Modules.OptimizerState state,
        int modules,
        long[] rows,
        long[] steps,
        in RowGradients gradient)
    {
        switch (kind, state)
        {
            case (AdamKind or AdamWKind, _) when AdamMoments.Of(state) is { } moments:
                RowSteps.Adam(
                    Numbers(kind, rate),
                    rows,
                    steps,
                    modules,
                    Floats(parameter),
                    Floats(moments.First),
                    Floats(moments.Second),
                    gradient,
                    get_num_threads());
                break;
            case (SgdKind own, SGD.State sgd):
                RowSteps.Momentum(
                    rate, own.Momentum, rows, modules, Floats(parameter), Velocity(own, sgd, parameter), gradient, get_num_threads());
                break;
            default:
                throw new InvalidOperationException($"no steps by rows are known of {kind}");
        }
    }

    /// <summary>Adam's numbers, or AdamW's.</summary>
    internal static AdamNumbers Numbers(OptimizerKind kind, double rate) =>
        new(rate, OptimizerKind.Beta1, OptimizerKind.Beta2, OptimizerKind.Epsilon, kind is AdamWKind own ? own.Decay : 0);

    /// <summary>What momentum has gathered, zeros at first.</summary>
    internal static Tensor Gathered(SGD.State sgd, Tensor parameter) =>
        sgd.momentum_buffer ??= zeros_like(parameter).DetachFromDisposeScope();

    private static Span<float> Velocity(SgdKind kind, SGD.State sgd, Tensor parameter) =>
        kind.Momentum == 0 ? default : Floats(Gathered(sgd, parameter));
}
