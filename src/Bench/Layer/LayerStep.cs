using ModNet.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Bench;

// The DSL's words of the same names are nearer.
using Activation = Runtime.Activation;
using Combine = Runtime.Combine;
using Dispatch = Runtime.Dispatch;
using Unselected = Runtime.Unselected;

/// <summary>
/// Forward, backward and update of a layer whose choices and whose output's gradient are given: no controller, no loss. The gradient in x
/// is made, as it is for a layer in the middle of a network; Adam updates.
/// </summary>
public sealed class LayerStep : IDisposable
{
    private readonly Func<Tensor, Tensor> _layer;
    private readonly nn.Module _module;
    private readonly OptimizerHelper _optimizer;
    private readonly FusedSteps _updates;
    private readonly RestingModules? _resting;
    private readonly Tensor _x;
    private readonly Tensor _upstream;
    private readonly Tensor? _indices;

    private LayerStep(
        nn.Module module, Func<Tensor, Tensor> layer, long rows, LayerSizes sizes, Tensor? indices, ModulePool? resting = null)
    {
        (_module, _layer, _indices) = (module, layer, indices);
        Parameter[] parameters = [.. module.parameters()];
        _optimizer = Adam.Over(parameters);
        ParameterMemory[] memories = Adam.Memories(parameters, _optimizer);
        _updates = new(memories, _optimizer, SpreadPools.None);
        _resting = resting is null ? null : new([resting], memories);
        _x = rand(new long[] { rows, sizes.Width }, requires_grad: true).DetachFromDisposeScope();
        _upstream = rand(new long[] { rows, sizes.Width }).DetachFromDisposeScope();
    }

    private static AdamKind Adam { get; } = new();

    /// <summary>K of M modules for every row; what a step does to modules that no row chose.</summary>
    public static LayerStep Modular(LayerSizes sizes, Unselected unselected = Unselected.Drift)
    {
        using var scope = NewDisposeScope();
        using var streams = new RandomStreams(1);
        var pool = new LinearPool(
            "pool", sizes.Modules, sizes.Width, sizes.Width, Activation.Identity, bias: true, new(streams.Init));
        Tensor indices = Routed(sizes);
        return new(
            pool,
            x =>
            {
                // What a layer does that has a controller.
                pool.InUse?.Add(indices);
                return Combine.Sum.Apply(Dispatch.Auto.Run(pool, x, indices), null);
            },
            sizes.Batch,
            sizes,
            indices.DetachFromDisposeScope(),
            unselected == Unselected.Rest ? pool : null);
    }

    /// <summary>One linear layer for all rows, with a row for every choice: as many operations.</summary>
    public static LayerStep Dense(LayerSizes sizes)
    {
        using var scope = NewDisposeScope();
        Linear linear = nn.Linear(sizes.Width, sizes.Width);
        return new(linear, linear.forward, (long)sizes.Batch * sizes.Choose, sizes, null);
    }

    /// <summary>Choices [B, K], uniform among the modules in use, which lie spread over all.</summary>
    public static Tensor Routed(LayerSizes sizes)
    {
        using var generator = new Generator(1, CPU);
        return randint(sizes.InUse, new long[] { sizes.Batch, sizes.Choose }, ScalarType.Int64, generator: generator)
            * (sizes.Modules / sizes.InUse);
    }

    /// <summary>One step.</summary>
    public void Run()
    {
        using var scope = NewDisposeScope();
        _optimizer.zero_grad();
        _x.grad = null;
        _resting?.Begin();
        _layer(_x).backward([_upstream]);
        _resting?.Take();
        _updates.Step(Adam.Rate);
        _resting?.Step(Adam.Rate);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _resting?.End();
        _optimizer.Dispose();
        _module.Dispose();
        _x.Dispose();
        _upstream.Dispose();
        _indices?.Dispose();
    }
}
