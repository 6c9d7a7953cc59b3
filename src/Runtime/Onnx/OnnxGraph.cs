using System.Runtime.InteropServices;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Onnx;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// An ONNX graph in the making: operators of opset 17 are added one after the other, and every layer adds its own. All numbers are float32, but
/// those of inputs before they are prepared.
/// </summary>
internal sealed class OnnxGraph
{
    /// <summary>The version of the operators, which ONNX Runtime knows since 1.12.</summary>
    internal const int Opset = 17;

    private readonly Selector _selector;
    private readonly GraphProto _graph = new() { Name = "ModNet" };
    private readonly Dictionary<(Tensor, string), string> _weights = new(new ByReference());
    private readonly List<OnnxValue> _modules = [];
    private RepeatedField<NodeProto> _operators;
    private int _added;
    private bool _inPool;
    private long _given;
    private OnnxValue? _tasks;
    private OnnxValue? _allGiven;

    /// <summary>A graph without operators, in which the selector chooses the modules.</summary>
    internal OnnxGraph(Selector selector) => (_selector, _operators) = (selector, _graph.Node);

    /// <summary>The layer whose operators are added, for names and messages.</summary>
    internal string Layer { get; private set; } = "input";

    /// <summary>The messages of the graph so far.</summary>
    internal GraphProto Messages => _graph;

    /// <summary>Adds the operators of a node.</summary>
    internal OnnxValue Run(Node node, OnnxValue x)
    {
        string before = Layer;
        Layer = _inPool ? Layer : node.Name;
        OnnxValue y = node.ToOnnx(this, x);
        Layer = before;
        return y;
    }

    /// <summary>Adds the operators of a pool's modules, which have no layer of their own.</summary>
    internal OnnxValue InPool(Func<OnnxValue> body)
    {
        _inPool = true;
        OnnxValue y = body();
        _inPool = false;
        return y;
    }

    /// <summary>What is said of a layer that is not covered.</summary>
    internal UserException Refusal(string what) => new(
        Layer, "layers that an ONNX file of ours can hold", what, "export without --format onnx, which writes the weights of any network");

    /// <summary>Declares an input [B, …] of the graph.</summary>
    internal OnnxValue Input(string name, TensorProto.Types.DataType type, params long[] row)
    {
        _graph.Input.Add(Declared(name, type, row));
        return new(name, row);
    }

    /// <summary>Declares an output [B, …], which is the value under another name.</summary>
    internal void Output(string name, TensorProto.Types.DataType type, OnnxValue value)
    {
        Rename(value, name);
        _graph.Output.Add(Declared(name, type, value.Row));
    }

    /// <summary>Declares which modules ran at each site as outputs, after those of the head.</summary>
    internal void OutputModules()
    {
        foreach (OnnxValue modules in _modules)
        {
            _graph.Output.Add(Declared(modules.Name, TensorProto.Types.DataType.Int64, modules.Row));
        }
    }

    /// <summary>Adds an operator with one output, whose dimensions after the batch are <paramref name="row"/>.</summary>
    internal OnnxValue Add(string op, long[] row, IEnumerable<OnnxValue> inputs, params (string Name, object Value)[] attributes)
    {
        NodeProto node = Operator(op, inputs, attributes);
        node.Output.Add(node.Name);
        return new(node.Name, row);
    }

    /// <summary>Adds an operator of one input that keeps the shape.</summary>
    internal OnnxValue Each(string op, OnnxValue x, params (string Name, object Value)[] attributes) => Add(op, x.Row, [x], attributes);

    /// <summary>Adds an operator of two inputs, of which the second one is spread over the first one's shape.</summary>
    internal OnnxValue Two(string op, OnnxValue x, OnnxValue y) => Add(op, x.Row, [x, y]);

    /// <summary>A weight in float32, as <paramref name="change"/> gives it; one that several layers share is written once.</summary>
    internal OnnxValue Weight(Tensor weight, string name, string form = "", Func<Tensor, Tensor>? change = null)
    {
        if (!_weights.TryGetValue((weight, form), out string? known))
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            Tensor changed = (change is null ? weight : change(weight)).to_type(ScalarType.Float32);
            known = $"{Layer}/{name}{form}_{_graph.Initializer.Count + 1}";
            Initialise(known, TensorProto.Types.DataType.Float, changed.shape, MemoryMarshal.AsBytes<float>(TensorArrays.Vector<float>(changed)));
            _weights.Add((weight, form), known);
        }

        return new(known, []);
    }

    /// <summary>Whole numbers [n].</summary>
    internal OnnxValue Numbers(params long[] values) => Table(values, values.Length);

    /// <summary>Whole numbers of a shape; a single one without dimensions.</summary>
    internal OnnxValue Table(long[] values, params long[] shape)
    {
        string name = $"{Layer}/constant_{_graph.Initializer.Count + 1}";
        Initialise(name, TensorProto.Types.DataType.Int64, shape, MemoryMarshal.AsBytes<long>(values));
        return new(name, []);
    }

    /// <summary>Real numbers of a shape, in float32.</summary>
    internal OnnxValue Reals(float[] values, params long[] shape)
    {
        string name = $"{Layer}/constant_{_graph.Initializer.Count + 1}";
        Initialise(name, TensorProto.Types.DataType.Float, shape, MemoryMarshal.AsBytes<float>(values));
        return new(name, []);
    }

    /// <summary>Real numbers [n] in double precision.</summary>
    internal OnnxValue Doubles(IReadOnlyList<double> values)
    {
        string name = $"{Layer}/constant_{_graph.Initializer.Count + 1}";
        Initialise(name, TensorProto.Types.DataType.Double, [values.Count], MemoryMarshal.AsBytes<double>(values.ToArray()));
        return new(name, []);
    }

    /// <summary>Another type.</summary>
    internal OnnxValue Cast(OnnxValue x, TensorProto.Types.DataType type) => Each("Cast", x, ("to", (long)type));

    /// <summary>x [B, …] → [B', …row], where the batch takes up what is left.</summary>
    internal OnnxValue Reshape(OnnxValue x, params long[] row) => Add("Reshape", row, [x, Numbers([-1, .. row])]);

    /// <summary>x·Wᵀ + b over the last dimension, with W [out, in].</summary>
    internal OnnxValue Linear(OnnxValue x, Tensor weight, Tensor? bias)
    {
        OnnxValue transposed = Weight(weight, "weight", "/transposed", w => w.transpose(0, 1));
        OnnxValue product = Add("MatMul", [.. x.Row[..^1], weight.shape[0]], [x, transposed]);
        return bias is null ? product : Two("Add", product, Weight(bias, "bias"));
    }

    /// <summary>A convolution or pooling.</summary>
    internal OnnxValue Windows(string op, long[] row, IEnumerable<OnnxValue> inputs, long kernel, long stride, long padding, long groups = 1)
    {
        List<(string, object)> attributes =
        [
            ("kernel_shape", new[] { kernel, kernel }), ("strides", new[] { stride, stride }), ("pads", new[] { padding, padding, padding, padding }),
        ];
        if (groups > 1)
        {
            attributes.Add(("group", groups));
        }

        return Add(op, row, inputs, [.. attributes]);
    }

    /// <summary>A value for each of B·T rows, of one for each of B datapoints: [B, …] → [B·T, …], for the steps of x [B, T, …].</summary>
    internal OnnxValue ForSteps(OnnxValue each, OnnxValue x)
    {
        OnnxValue apart = Add("Unsqueeze", [1, .. each.Row], [each, Numbers(1)]);
        OnnxValue shape = each.Row.Length == 0
            ? BatchAndSteps(x)
            : Add("Concat", [], [BatchAndSteps(x), Numbers(each.Row)], ("axis", 0L));
        OnnxValue spread = Add("Expand", [-1, .. each.Row], [apart, shape]);
        return Add("Reshape", each.Row, [spread, Numbers([-1, .. each.Row])]);
    }

    /// <summary>Rows [B·T, …row] → [B, T, …row], as the steps of x [B, T, …].</summary>
    internal OnnxValue AsSteps(OnnxValue rows, OnnxValue x)
    {
        OnnxValue shape = Add("Concat", [], [BatchAndSteps(x), Numbers(rows.Row)], ("axis", 0L));
        return Add("Reshape", [-1, .. rows.Row], [rows, shape]);
    }

    /// <summary>
    /// Goes through x [B, T, in] step by step, with a state [B, hidden] that starts at zero: <paramref name="step"/> adds the operators that make of
    /// the state and a step [B, in] the next state and the modules that ran [B, K]. The result is all states [B, T, hidden] and modules [B, T, K].
    /// </summary>
    internal (OnnxValue States, OnnxValue Modules) Scan(
        OnnxValue x, long hidden, Func<OnnxValue, OnnxValue, (OnnxValue State, OnnxValue Modules)> step)
    {
        OnnxValue rows = Add("Shape", [], [x], ("start", 0L), ("end", 1L));
        OnnxValue start = Add("ConstantOfShape", [hidden], [Add("Concat", [], [rows, Numbers(hidden)], ("axis", 0L))]);
        OnnxValue steps = Turned(x);
        var inside = new GraphProto { Name = $"{Layer}/step" };
        OnnxValue Declare(string name, long[] row)
        {
            inside.Input.Add(Declared($"{Layer}/{name}", TensorProto.Types.DataType.Float, row));
            return new($"{Layer}/{name}", row);
        }

        RepeatedField<NodeProto> outside = _operators;
        _operators = inside.Node;
        (OnnxValue next, OnnxValue modules) = step(Declare("h", [hidden]), Declare("x", [x.Row[1]]));
        OnnxValue state = Each("Identity", next);
        OnnxValue chosen = Each("Identity", modules);
        _operators = outside;
        inside.Output.Add(Declared(next.Name, TensorProto.Types.DataType.Float, next.Row));
        inside.Output.Add(Declared(state.Name, TensorProto.Types.DataType.Float, state.Row));
        inside.Output.Add(Declared(chosen.Name, TensorProto.Types.DataType.Int64, chosen.Row));
        NodeProto scan = Operator("Scan", [start, steps], ("num_scan_inputs", 1L), ("body", inside));
        scan.Output.Add([$"{scan.Name}/last", $"{scan.Name}/states", $"{scan.Name}/modules"]);
        return (Turned(new(scan.Output[1], [-1, hidden])), Turned(new(scan.Output[2], [-1, modules.Row[0]])));
    }

    /// <summary>[B, T, n] → [T, B, n], and back.</summary>
    internal OnnxValue Turned(OnnxValue x) => Add("Transpose", x.Row, [x], ("perm", new[] { 1L, 0L, 2L }));

    /// <summary>
    /// The modules that run, as the selector chooses: logits [n, K, M] → [n, K]; of modules that are written as digits, logits [n, K, Σ_d M_d], one digit after the other.
    /// </summary>
    internal OnnxValue Choose(OnnxValue logits, Digits? digits = null)
    {
        (long choose, long modules) = (logits.Row[0], digits?.Modules ?? logits.Row[1]);
        if (_selector is ModeSelector)
        {
            OnnxValue Highest(OnnxValue of) => Add("ArgMax", [choose], [of], ("axis", 2L), ("keepdims", 0L));
            if (digits is null)
            {
                return Highest(logits);
            }

            long from = 0;
            return digits.Sizes.Select((size, d) =>
            {
                OnnxValue own = Add("Slice", [choose, size], [logits, Numbers(from), Numbers(from += size), Numbers(2)]);
                return Two("Mul", Highest(own), Table([digits.Stride(d)], 1, 1));
            }).Aggregate((sum, next) => Two("Add", sum, next));
        }

        using var scope = NewDisposeScope();
        var site = new Site(Layer, 0, 0, (int)choose, (int)modules);
        Tensor same = _selector.Select(site, ChoiceDistribution.FromLogits(zeros(1, choose, modules))).Indices;
        OnnxValue rows = Add("Shape", [], [logits], ("start", 0L), ("end", 1L));
        OnnxValue shape = Add("Concat", [], [rows, Numbers(choose)], ("axis", 0L));
        return Add("Expand", [choose], [Table(TensorArrays.Vector<long>(same), 1, choose), shape]);
    }

    /// <summary>Declares which modules ran in this layer as an output.</summary>
    internal void Chosen(OnnxValue modules)
    {
        string name = $"modules:{Layer}";
        Rename(modules, name);
        _modules.Add(new(name, modules.Row));
    }

    /// <summary>The task ids [B], an input.</summary>
    internal OnnxValue Tasks() => _tasks ??= Input("tasks", TensorProto.Types.DataType.Int64);

    /// <summary>The next K given choices [B, K], of the input <c>given</c>.</summary>
    internal OnnxValue Given(long choose)
    {
        _allGiven ??= Input("given", TensorProto.Types.DataType.Int64, GivenChoices);
        OnnxValue own = Add("Slice", [choose], [_allGiven, Numbers(_given), Numbers(_given + choose), Numbers(1)]);
        _given += choose;
        return own;
    }

    /// <summary>G, the number of given choices that a datapoint brings.</summary>
    internal long GivenChoices { get; init; }

    /// <summary>Some of the features of x, of an image of its channels, from the given one on.</summary>
    internal OnnxValue Features(OnnxValue x, long first, long width)
    {
        bool isImage = x.Row.Length == 3;
        long[] row = isImage ? [width, .. x.Row[1..]] : [.. x.Row[..^1], width];
        return Add("Slice", row, [x, Numbers(first), Numbers(first + width), Numbers(isImage ? 1 : x.Rank - 1)]);
    }

    /// <summary>The places 0, 1, …, T − 1 of the steps of x [B, T, …], [T].</summary>
    internal OnnxValue Places(OnnxValue x)
    {
        OnnxValue steps = Add("Shape", [], [x], ("start", 1L), ("end", 2L));
        return Add("Range", [], [Table([0]), Add("Squeeze", [], [steps, Numbers(0)]), Table([1])]);
    }

    private NodeProto Operator(string op, IEnumerable<OnnxValue> inputs, params (string Name, object Value)[] attributes)
    {
        var node = new NodeProto { OpType = op, Name = $"{Layer}/{op}{++_added}" };
        node.Input.Add(inputs.Select(i => i.Name));
        node.Attribute.Add(attributes.Select(a => Attribute(a.Name, a.Value)));
        _operators.Add(node);
        return node;
    }

    private void Rename(OnnxValue value, string name) =>
        _operators.Add(new NodeProto { OpType = "Identity", Name = $"output/{name}", Input = { value.Name }, Output = { name } });

    private OnnxValue BatchAndSteps(OnnxValue x) => Add("Shape", [], [x], ("start", 0L), ("end", 2L));

    private void Initialise(string name, TensorProto.Types.DataType type, long[] shape, ReadOnlySpan<byte> values)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)type, RawData = ByteString.CopyFrom(values) };
        tensor.Dims.Add(shape);
        _graph.Initializer.Add(tensor);
    }

    private static ValueInfoProto Declared(string name, TensorProto.Types.DataType type, long[] row)
    {
        var shape = new TensorShapeProto();
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimParam = "batch" });
        shape.Dim.Add(row.Select(size =>
            size < 0 ? new TensorShapeProto.Types.Dimension { DimParam = "steps" } : new TensorShapeProto.Types.Dimension { DimValue = size }));
        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = shape } },
        };
    }

    private static AttributeProto Attribute(string name, object value)
    {
        var attribute = new AttributeProto { Name = name };
        switch (value)
        {
            case long number:
                (attribute.Type, attribute.I) = (AttributeProto.Types.AttributeType.Int, number);
                break;
            case float number:
                (attribute.Type, attribute.F) = (AttributeProto.Types.AttributeType.Float, number);
                break;
            case long[] numbers:
                attribute.Type = AttributeProto.Types.AttributeType.Ints;
                attribute.Ints.Add(numbers);
                break;
            case GraphProto graph:
                (attribute.Type, attribute.G) = (AttributeProto.Types.AttributeType.Graph, graph);
                break;
            case string text:
                (attribute.Type, attribute.S) = (AttributeProto.Types.AttributeType.String, ByteString.CopyFromUtf8(text));
                break;
            default:
                throw new ArgumentException($"attribute {name}: expected a number, numbers, a text or a graph, got {value.GetType().Name}");
        }

        return attribute;
    }

    // Tensors are equal where they are the same.
    private sealed class ByReference : IEqualityComparer<(Tensor Weight, string Form)>
    {
        public bool Equals((Tensor Weight, string Form) a, (Tensor Weight, string Form) b) =>
            ReferenceEquals(a.Weight, b.Weight) && a.Form == b.Form;

        public int GetHashCode((Tensor Weight, string Form) key) =>
            HashCode.Combine(System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(key.Weight), key.Form);
    }
}
