using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// A pool of stages that are pools themselves: its module m runs module m of every stage in turn. So modules of several layers (MLPs;
/// convolution, pooling, flatten, linear) stay stacked, stage by stage.
/// </summary>
public sealed class ChainPool : ModulePool
{
    private readonly ModulePool[] _stages;

    /// <summary>Takes the stages over and registers them under the last components of their names. ArgumentException unless all have the same M.</summary>
    public ChainPool(string name, IReadOnlyList<ModulePool> stages)
        : base(name, stages.Count == 0 ? throw Mismatch(name, "at least one stage", "none") : stages[0].Count)
    {
        _stages = [.. stages];
        foreach (ModulePool stage in _stages)
        {
            if (stage.Count != Count)
            {
                throw Mismatch(name, $"stages of {Count} modules", $"{stage.Count} in {stage.Name}");
            }

            register_module(stage.LocalName, stage);
        }
    }

    /// <summary>The stages, in order.</summary>
    internal IReadOnlyList<ModulePool> Stages => _stages;

    internal override IEnumerable<Parameter> Stacked => _stages.SelectMany(s => s.Stacked);

    internal override IEnumerable<Parameter> Own(int module) => _stages.SelectMany(s => s.Own(module));

    internal override void Track(ModulesInUse? inUse)
    {
        base.Track(inUse);
        foreach (ModulePool stage in _stages)
        {
            stage.Track(inUse);
        }
    }

    /// <inheritdoc/>
    public override RowCost? Cost(long[] row)
    {
        var total = new RowCost(0, row);
        foreach (ModulePool stage in _stages)
        {
            if (stage.Cost(total.Output) is not RowCost cost)
            {
                return null;
            }

            total = new(total.MultiplyAdds + cost.MultiplyAdds, cost.Output, total.Reading + cost.Reading);
        }

        return total;
    }

    /// <inheritdoc/>
    public override Tensor Apply(int module, Tensor x) => _stages.Aggregate(x, (row, stage) => stage.Apply(module, row));

    /// <inheritdoc/>
    public override Tensor ApplyAll(Tensor x) =>
        _stages.Skip(1).Aggregate(_stages[0].ApplyAll(x), (each, stage) => stage.ApplyEach(each));

    /// <inheritdoc/>
    public override Tensor ApplyEach(Tensor x) => _stages.Aggregate(x, (each, stage) => stage.ApplyEach(each));

    /// <inheritdoc/>
    public override Tensor ApplySegments(Tensor x, long[] modules, long[] lengths) =>
        _stages.Aggregate(x, (rows, stage) => stage.ApplySegments(rows, modules, lengths));

    internal override bool GathersInOnnx => _stages.All(s => s.GathersInOnnx);

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue? modules) =>
        _stages.Aggregate(x, (each, stage) => stage.ToOnnx(onnx, each, modules));

    private static ArgumentException Mismatch(string name, string expected, string got) =>
        new($"pool {name}: expected {expected}, got {got} – every stage holds a part of each module");
}
