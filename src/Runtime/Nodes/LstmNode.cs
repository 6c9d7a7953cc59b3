using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// A long short-term memory that is not modular: i, f, g, o = W·[h, x] + b; the cell c' = σ(f)⊙c + σ(i)⊙tanh(g), and h' = σ(o)⊙tanh(c'). Both h and c start
/// at zero, or where the previous window left them.
/// </summary>
public sealed class LstmNode : Node
{
    private readonly int _inputs;
    private readonly int _hidden;
    [ComponentName(Name = "weight")]
    private Parameter _weight;
    [ComponentName(Name = "bias")]
    private Parameter _bias;

    /// <summary>Parameters weight [4·hidden, hidden + inputs], the rows of i, f, g and o in this order, and bias [4·hidden].</summary>
    public LstmNode(string name, int inputs, int hidden, Initialiser initialiser)
        : base(name)
    {
        (_inputs, _hidden) = (inputs, hidden);
        _weight = initialiser.Weight(hidden + inputs, hidden, 4L * hidden, hidden + inputs);
        _bias = initialiser.Bias(hidden + inputs, 4L * hidden);
        register_parameter("weight", _weight);
        register_parameter("bias", _bias);
    }

    /// <summary>x [B, T, in] → h of all steps [B, T, hidden].</summary>
    public override Tensor Forward(Tensor x, Route route)
    {
        Tensor start = route.Carried(Name) ?? zeros(x.shape[0], 2L * _hidden, dtype: x.dtype, device: x.device);
        (Tensor h, Tensor c) = (start.narrow(1, 0, _hidden), start.narrow(1, _hidden, _hidden));
        // What is read of x does not depend on h: one product for all steps.
        Tensor[] read = Products.Linear(x, _weight.narrow(1, _hidden, _inputs), _bias).unbind(1);
        Tensor recurrent = _weight.narrow(1, 0, _hidden);
        var states = new Tensor[read.Length];
        for (int t = 0; t < read.Length; t++)
        {
            Tensor[] gates = (read[t] + Products.Linear(h, recurrent)).chunk(4, 1);
            c = sigmoid(gates[1]) * c + sigmoid(gates[0]) * tanh(gates[2]);
            h = sigmoid(gates[3]) * tanh(c);
            states[t] = h;
        }

        route.Leave(Name, Operators.Join([h, c], 1));
        return Operators.Stack(states, 1);
    }

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x)
    {
        // ONNX has the rows of i, o, f and g in this order.
        Tensor Gates(Tensor rows) => Operators.Join(
            [rows.narrow(0, 0, _hidden), rows.narrow(0, 3L * _hidden, _hidden), rows.narrow(0, _hidden, 2L * _hidden)], 0);
        return RecurrentOnnx.Add(onnx, "LSTM", x, _hidden, _weight, Gates, _bias, Gates);
    }
}
