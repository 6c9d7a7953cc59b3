using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>M modules f_i(x) = act(map(x; W_i, b_i)) of one kind of map, with their parameters stacked: weight [M, …] and bias [M, …].</summary>
public abstract class StackedPool : ModulePool
{
    [ComponentName(Name = "weight")]
    private protected Parameter _weight;
    [ComponentName(Name = "bias")]
    private protected Parameter? _bias;

    /// <summary>Takes the parameters over and registers them as <c>weight</c> and <c>bias</c>.</summary>
    protected StackedPool(string name, int count, Activation activation, Parameter weight, Parameter? bias)
        : base(name, count)
    {
        (Activation, _weight, _bias) = (activation, weight, bias);
        register_parameter("weight", weight);
        if (bias is not null)
        {
            register_parameter("bias", bias);
        }
    }

    /// <summary>The activation inside each module.</summary>
    public Activation Activation { get; }

    /// <summary>The weights of all modules, [M, …].</summary>
    public Tensor Weight => _weight;

    /// <summary>The biases of all modules, [M, …]; null where modules have none.</summary>
    public Tensor? Bias => _bias;

    internal override IEnumerable<Parameter> Stacked => _bias is null ? [_weight] : [_weight, _bias];

    /// <inheritdoc/>
    public override Tensor Apply(int module, Tensor x) =>
        Activation.Apply(Map(x, _weight.select(0, module), _bias?.select(0, module)));

    /// <inheritdoc/>
    public override Tensor ApplySegments(Tensor x, long[] modules, long[] lengths)
    {
        // One operation takes the modules in use out of the stack. A select per module would cost a gradient of the whole stack each.
        Tensor used = tensor(modules, device: x.device);
        Tensor[] weights = Rows(_weight, used).unbind(0);
        Tensor[]? biases = _bias is null ? null : Rows(_bias, used).unbind(0);
        Tensor[] segments = x.split(lengths);
        var outputs = new Tensor[segments.Length];
        for (int i = 0; i < segments.Length; i++)
        {
            outputs[i] = Map(segments[i], weights[i], biases?[i]);
        }

        return Activation.Apply(Operators.Join(outputs, 0));
    }

    private Tensor Rows(Parameter parameter, Tensor used) =>
        InUse is null ? parameter.IndexSelect(0, used) : RowSelection.Of(parameter, used);

    /// <summary>The map of one module, without activation, by its own weight and bias: x [n, …in] → [n, …out].</summary>
    protected abstract Tensor Map(Tensor x, Tensor weight, Tensor? bias);

    /// <summary>A parameter [M, …] in an ONNX graph, or its rows for the chosen modules [n, K, …].</summary>
    private protected OnnxValue Taken(OnnxGraph onnx, Tensor parameter, string name, OnnxValue? modules)
    {
        OnnxValue all = onnx.Weight(parameter, $"{Name}/{name}");
        return modules is null ? all : onnx.Add("Gather", [modules.Row[0], .. parameter.shape[1..]], [all, modules], ("axis", 0L));
    }
}
