using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// A pool of M nodes of one signature, which may differ in kind: units with branches, or a user's own. Each node has parameters of its own,
/// so nothing is stacked.
/// </summary>
public sealed class NodePool : ModulePool
{
    private readonly Node[] _modules;

    /// <summary>Takes the nodes over and registers them as <c>module0</c> to <c>module{M−1}</c>. ArgumentException where one makes choices.</summary>
    public NodePool(string name, IReadOnlyList<Node> modules)
        : base(name, modules.Count)
    {
        _modules = [.. modules];
        for (int i = 0; i < _modules.Length; i++)
        {
            if (_modules[i].Controllers.Any())
            {
                throw new ArgumentException(
                    $"pool {name}, module {i}: expected a node without choices, got {_modules[i].Name} – a module runs for "
                    + "some rows only, so nothing may be chosen inside it");
            }

            register_module($"module{i}", _modules[i]);
        }
    }

    internal override IEnumerable<Parameter> Own(int module) => _modules[module].parameters();

    /// <summary>Null: only running a module would tell.</summary>
    public override RowCost? Cost(long[] row) => null;

    /// <inheritdoc/>
    public override Tensor Apply(int module, Tensor x) => _modules[module].Forward(x, Route.NoChoice());

    /// <summary>Runs each module on its rows. UserException where the outputs of modules differ in shape.</summary>
    public override Tensor ApplySegments(Tensor x, long[] modules, long[] lengths)
    {
        Tensor[] outputs = [.. x.split(lengths).Select((segment, i) => Apply((int)modules[i], segment))];
        for (int i = 1; i < outputs.Length; i++)
        {
            if (!outputs[i].shape[1..].SequenceEqual(outputs[0].shape[1..]))
            {
                throw new UserException(
                    $"pool {Name}, module {modules[i]}",
                    $"outputs {outputs[0].shape[1..].AsShape()} per row, as module {modules[0]} gives",
                    outputs[i].shape[1..].AsShape(),
                    "give all modules of a pool the same output");
            }
        }

        return Operators.Join(outputs, 0);
    }

    /// <summary>Runs every module on every row.</summary>
    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue? modules)
    {
        OnnxValue Module(int module)
        {
            OnnxValue rows = onnx.Add("Gather", x.Row[1..], [x, onnx.Table([x.Row[0] == 1 ? 0 : module])], ("axis", 1L));
            OnnxValue y = onnx.Run(_modules[module], rows);
            return onnx.Add("Unsqueeze", [1, .. y.Row], [y, onnx.Numbers(1)]);
        }

        OnnxValue[] each = [.. Enumerable.Range(0, Count).Select(Module)];
        return onnx.Add("Concat", [Count, .. each[0].Row[1..]], each, ("axis", 1L));
    }
}
