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
/// is made, as it is for a layer in the middle of a network; Adam updates, unless only forward and backward are asked for.
/// </summary>
public sealed class LayerStep : IDisposable
{
    private readonly Func<Tensor, Tensor> _layer;
    private readonly nn.Module _module;
    private readonly OptimizerHelper _optimizer;
    private readonly FusedSteps _updates;
    private readonly RestingModules? _resting;
    private readonly FactoredGradients? _factored;
    private readonly Tensor _x;
    private readonly Tensor _upstream;
    private readonly Tensor? _indices;
    private readonly bool _updating;

    private LayerStep(
        nn.Module module, Func<Tensor, Tensor> layer, long rows, LayerSizes sizes, Tensor? indices, ModulePool? pool = null, bool rests = false, bool updating = true)
    {
        (_module, _layer, _indices, _updating) = (module, layer, indices, updating);
        Parameter[] parameters = [.. module.parameters()];
        _optimizer = Adam.Over(parameters);
        ParameterMemory[] memories = Adam.Memories(parameters, _optimizer);
        _factored = pool is null || !updating ? null : new([pool], memories);
        _updates = new(memories, _optimizer, _factored);
        _resting = rests ? new([pool!], memories, _factored) : null;
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
        return Modular(pool, sizes, Dispatch.Auto, unselected == Unselected.Rest, updating: true);
    }

    /// <summary>The same of units of several layers, by a dispatch.</summary>
    public static LayerStep Modular(UnitKind kind, LayerSizes sizes, Dispatch dispatch, bool updating)
    {
        using var scope = NewDisposeScope();
        using var streams = new RandomStreams(1);
        return Modular(kind.Pool(sizes, new(streams.Init)), sizes, dispatch, rests: false, updating);
    }

    /// <summary>One such unit for all rows.</summary>
    public static LayerStep Dense(UnitKind kind, LayerSizes sizes, bool updating)
    {
        using var scope = NewDisposeScope();
        Sequential unit = kind.Dense(sizes);
        return new(unit, unit.forward, (long)sizes.Batch * sizes.Choose, sizes, null, updating: updating);
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

    private static LayerStep Modular(ModulePool pool, LayerSizes sizes, Dispatch dispatch, bool rests, bool updating)
    {
        Tensor indices = Routed(sizes);
        return new(
            pool,
            x =>
            {
                // What a layer does that has a controller.
                pool.InUse?.Add(indices);
                pool.Factors?.Use();
                return Combine.Sum.Apply(dispatch.Run(pool, x, indices), null);
            },
            sizes.Batch,
            sizes,
            indices.DetachFromDisposeScope(),
            pool,
            rests,
            updating);
    }

    /// <summary>One step.</summary>
    public void Run()
    {
        using var scope = NewDisposeScope();
        _optimizer.zero_grad();
        _x.grad = null;
        _resting?.Begin();
        _factored?.Begin();
        _layer(_x).backward([_upstream]);
        _factored?.End();
        if (_updating)
        {
            _resting?.Take();
            _updates.Step(Adam.Rate);
            _resting?.Step(Adam.Rate);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _resting?.End();
        _factored?.Dispose();
        _optimizer.Dispose();
        _module.Dispose();
        _x.Dispose();
        _upstream.Dispose();
        _indices?.Dispose();
    }
}
