using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// M linear modules with their activation, f_i(x) = act(W_i x + b_i), stacked: weight [M, out, in], bias [M, out]
/// (paper, section 3).
/// </summary>
public sealed class LinearPool : ModulePool
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;

    /// <summary>Fresh modules; each is initialised as a linear layer of its own.</summary>
    public LinearPool(
        string name, int count, int inputs, int outputs, Activation activation, bool bias, Initialiser initialiser)
        : base(name, count, inputs, outputs)
    {
        Activation = activation;
        _weight = initialiser.Uniform(inputs, count, outputs, inputs);
        register_parameter("weight", _weight);
        if (bias)
        {
            _bias = initialiser.Uniform(inputs, count, outputs);
            register_parameter("bias", _bias);
        }
    }

    /// <summary>The activation inside each module.</summary>
    public Activation Activation { get; }

    /// <summary>[M, out, in].</summary>
    public Tensor Weight => _weight;

    /// <summary>[M, out], or null for modules without bias.</summary>
    public Tensor? Bias => _bias;

    /// <inheritdoc/>
    public override long MultiplyAdds => (long)Inputs * Outputs;

    /// <inheritdoc/>
    public override Tensor Apply(int module, Tensor x) =>
        Activation.Apply(nn.functional.linear(x, _weight.select(0, module), _bias?.select(0, module)));

    /// <inheritdoc/>
    public override Tensor ApplyAll(Tensor x)
    {
        // One product with all weights side by side; the activation comes after, on all M outputs.
        Tensor all = nn.functional.linear(x, _weight.view(-1, Inputs), _bias?.view(-1));
        return Activation.Apply(all.view(-1, Count, Outputs));
    }

    /// <inheritdoc/>
    public override Tensor ApplySegments(Tensor x, long[] modules, long[] lengths)
    {
        // Only the modules in use are taken out of the stack, in one operation: a select per module would each cost a
        // gradient of the whole stack.
        Tensor used = tensor(modules, device: x.device);
        Tensor[] weights = _weight.index_select(0, used).unbind(0);
        Tensor[]? biases = _bias?.index_select(0, used).unbind(0);
        Tensor[] segments = x.split(lengths);
        var outputs = new Tensor[segments.Length];
        for (int i = 0; i < segments.Length; i++)
        {
            outputs[i] = nn.functional.linear(segments[i], weights[i], biases?[i]);
        }

        return Activation.Apply(cat(outputs, 0));
    }
}
