using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// M linear modules with their activation, f_i(x) = act(W_i x + b_i), stacked: weight [M, out, in] and bias [M, out] (paper, section 3).
/// </summary>
public sealed class LinearPool : StackedPool
{
    /// <summary>Makes modules, each of which is initialised as a linear layer of its own.</summary>
    public LinearPool(
        string name, int count, int inputs, int outputs, Activation activation, bool bias, Initialiser initialiser)
        : base(
            name,
            count,
            activation,
            initialiser.Weight(inputs, outputs, count, outputs, inputs),
            bias ? initialiser.Bias(inputs, count, outputs) : null) =>
        (Inputs, Outputs) = (inputs, outputs);

    /// <summary>Takes over weights [M, out, in] and biases [M, out].</summary>
    internal LinearPool(string name, Parameter weight, Parameter? bias, Activation activation)
        : base(name, checked((int)weight.shape[0]), activation, weight, bias) =>
        (Outputs, Inputs) = (checked((int)weight.shape[1]), checked((int)weight.shape[2]));

    /// <summary>The width of a module's input.</summary>
    public int Inputs { get; }

    /// <summary>The width of a module's output.</summary>
    public int Outputs { get; }

    /// <inheritdoc/>
    public override RowCost? Cost(long[] row) => new((long)Inputs * Outputs, [Outputs]);

    /// <inheritdoc/>
    public override Tensor ApplyAll(Tensor x)
    {
        // One product with all weights side by side; the activation comes after, on all M outputs.
        Tensor all = Products.Linear(x, Weight.view(-1, Inputs), Bias?.view(-1));
        return Activation.Apply(all.view(-1, Count, Outputs));
    }

    /// <inheritdoc/>
    public override Tensor ApplyEach(Tensor x)
    {
        Tensor products = Products.Batched(x.transpose(0, 1), Weight.transpose(1, 2));
        Tensor each = Bias is null ? products : products + Bias.unsqueeze(1);
        return Activation.Apply(each.transpose(0, 1));
    }

    /// <summary>
    /// Runs the modules that every row chose: x [n, in], indices [n, K] → [n, K, out]. Their weights are copied for every row, n·K·out·in
    /// numbers, for one batched product.
    /// </summary>
    internal Tensor ApplyChosen(Tensor x, Tensor indices)
    {
        (long rows, long positions) = (indices.shape[0], indices.shape[1]);
        Tensor flat = indices.reshape(-1);
        // A row's K weights one below the other: [n, K·out, in].
        Tensor weights = Weight.IndexSelect(0, flat).view(rows, positions * Outputs, Inputs);
        Tensor products = Products.Batched(weights, x.unsqueeze(-1)).view(rows, positions, Outputs);
        Tensor each = Bias is null
            ? products
            : products + Bias.IndexSelect(0, flat).view(rows, positions, Outputs);
        return Activation.Apply(each);
    }

    /// <inheritdoc/>
    protected override Tensor Map(Tensor x, Tensor weight, Tensor? bias) => Products.Linear(x, weight, bias);

    internal override bool GathersInOnnx => true;

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue? modules)
    {
        long count = modules?.Row[0] ?? Count;
        OnnxValue column = onnx.Add("Unsqueeze", [.. x.Row, 1], [x, onnx.Numbers(-1)]);
        OnnxValue products = onnx.Add("MatMul", [count, Outputs, 1], [Taken(onnx, Weight, "weight", modules), column]);
        OnnxValue each = onnx.Add("Squeeze", [count, Outputs], [products, onnx.Numbers(-1)]);
        return Activation.ToOnnx(onnx, Bias is null ? each : onnx.Two("Add", each, Taken(onnx, Bias, "bias", modules)));
    }
}
