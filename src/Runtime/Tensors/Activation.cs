using System.Globalization;
using ModNet.Kernels;
using static TorchSharp.torch;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace ModNet.Runtime;

/// <summary>
/// The nonlinearity of a module or layer. A module's is inside the module (paper, section 3). All keep the shape. All but two take each value by
/// itself; <see cref="Softmax"/> and <see cref="LogSoftmax"/> take the features of a row together: of an image, the channels at each place.
/// </summary>
public sealed record Activation
{
    private readonly Kind _kind;
    private readonly double _setting;

    private Activation(Kind kind, double setting = 0) => (_kind, _setting) = (kind, setting);

    private enum Kind
    {
        Identity,
        Relu,
        Tanh,
        Sigmoid,
        Gelu,
        Silu,
        LeakyRelu,
        Elu,
        Softplus,
        Hardswish,
        Mish,
        Softmax,
        LogSoftmax,
    }

    /// <summary>No nonlinearity.</summary>
    public static Activation Identity { get; } = new(Kind.Identity);

    /// <summary>max(0, x).</summary>
    public static Activation Relu { get; } = new(Kind.Relu);

    /// <summary>tanh x.</summary>
    public static Activation Tanh { get; } = new(Kind.Tanh);

    /// <summary>1 / (1 + e^−x).</summary>
    public static Activation Sigmoid { get; } = new(Kind.Sigmoid);

    /// <summary>x·Φ(x), with the distribution function Φ of N(0, 1).</summary>
    public static Activation Gelu { get; } = new(Kind.Gelu);

    /// <summary>x / (1 + e^−x).</summary>
    public static Activation Silu { get; } = new(Kind.Silu);

    /// <summary>log(1 + e^x).</summary>
    public static Activation Softplus { get; } = new(Kind.Softplus);

    /// <summary>x·min(max(x + 3, 0), 6) / 6.</summary>
    public static Activation Hardswish { get; } = new(Kind.Hardswish);

    /// <summary>x·tanh(log(1 + e^x)).</summary>
    public static Activation Mish { get; } = new(Kind.Mish);

    /// <summary>e^x_i / Σ_j e^x_j over the features of a row.</summary>
    public static Activation Softmax { get; } = new(Kind.Softmax);

    /// <summary>x_i − log Σ_j e^x_j over the features of a row.</summary>
    public static Activation LogSoftmax { get; } = new(Kind.LogSoftmax);

    /// <summary>x where x is positive, else slope·x.</summary>
    public static Activation LeakyRelu(double slope) => new(Kind.LeakyRelu, slope);

    /// <summary>x where x is positive, else alpha·(e^x − 1).</summary>
    public static Activation Elu(double alpha) => new(Kind.Elu, alpha);

    /// <summary>Whether it takes the features of a row together, and not each value by itself.</summary>
    internal bool TakesRows => _kind is Kind.Softmax or Kind.LogSoftmax;

    /// <summary>Which of our kernels' functions it is, with <see cref="Setting"/>; null where they have none, as for the identity and where it <see cref="TakesRows"/>.</summary>
    internal UnitFunction? Function => _kind switch
    {
        Kind.Relu => UnitFunction.Relu,
        Kind.Tanh => UnitFunction.Tanh,
        Kind.Sigmoid => UnitFunction.Sigmoid,
        Kind.Gelu => UnitFunction.Gelu,
        Kind.Silu => UnitFunction.Silu,
        Kind.LeakyRelu => UnitFunction.LeakyRelu,
        Kind.Elu => UnitFunction.Elu,
        Kind.Softplus => UnitFunction.Softplus,
        Kind.Hardswish => UnitFunction.Hardswish,
        Kind.Mish => UnitFunction.Mish,
        _ => null,
    };

    /// <summary>The slope of a leaky ReLU, or the α of an ELU.</summary>
    internal double Setting => _setting;

    /// <summary>Applies the activation to x [B, …]: from four dimensions on, to images […, C, H, W], else to rows […, n].</summary>
    public Tensor Apply(Tensor x) => _kind switch
    {
        Kind.Identity => x,
        Kind.Relu => Operators.Relu(x),
        Kind.Tanh => tanh(x),
        Kind.Sigmoid => sigmoid(x),
        Kind.Gelu => nn.functional.gelu(x),
        Kind.Silu => nn.functional.silu(x, inplace: false),
        Kind.LeakyRelu => nn.functional.leaky_relu(x, _setting),
        Kind.Elu => nn.functional.elu(x, _setting),
        Kind.Softplus => nn.functional.softplus(x),
        Kind.Hardswish => Operators.Hardswish(x),
        Kind.Mish => nn.functional.mish(x),
        Kind.Softmax => nn.functional.softmax(x, Features(x)),
        Kind.LogSoftmax => nn.functional.log_softmax(x, Features(x)),
        _ => throw new InvalidOperationException($"expected an activation, got {_kind}"),
    };

    /// <summary>Applies the activation in place to rows of so many numbers, [B, width].</summary>
    internal void Apply(Span<float> rows, int width)
    {
        switch (_kind)
        {
            case Kind.Identity:
                break;
            case Kind.Relu:
                TensorPrimitives.Max(rows, 0f, rows);
                break;
            case Kind.Tanh:
                TensorPrimitives.Tanh(rows, rows);
                break;
            case Kind.Sigmoid:
                TensorPrimitives.Sigmoid(rows, rows);
                break;
            case Kind.Softmax or Kind.LogSoftmax:
                for (int start = 0; start < rows.Length; start += width)
                {
                    Normalise(rows.Slice(start, width), _kind == Kind.LogSoftmax);
                }

                break;
            default:
                Func<float, float> each = Each();
                foreach (ref float value in rows)
                {
                    value = each(value);
                }

                break;
        }
    }

    /// <summary>Adds the activation to an ONNX graph.</summary>
    internal OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x)
    {
        (string, object) axis = ("axis", x.Rank >= 4 ? -3L : -1L);
        return _kind switch
        {
            Kind.Identity => x,
            Kind.Relu => onnx.Each("Relu", x),
            Kind.Tanh => onnx.Each("Tanh", x),
            Kind.Sigmoid => onnx.Each("Sigmoid", x),
            // x·(1 + erf(x/√2))/2
            Kind.Gelu => onnx.Two(
                "Mul", onnx.Two("Mul", x, Real(onnx, 0.5)),
                onnx.Two("Add", onnx.Each("Erf", onnx.Two("Mul", x, Real(onnx, Math.Sqrt(0.5)))), Real(onnx, 1))),
            Kind.Silu => onnx.Two("Mul", x, onnx.Each("Sigmoid", x)),
            Kind.LeakyRelu => onnx.Each("LeakyRelu", x, ("alpha", (float)_setting)),
            Kind.Elu => onnx.Each("Elu", x, ("alpha", (float)_setting)),
            Kind.Softplus => onnx.Each("Softplus", x),
            Kind.Hardswish => onnx.Each("HardSwish", x),
            Kind.Mish => onnx.Two("Mul", x, onnx.Each("Tanh", onnx.Each("Softplus", x))),
            Kind.Softmax => onnx.Each("Softmax", x, axis),
            Kind.LogSoftmax => onnx.Each("LogSoftmax", x, axis),
            _ => throw new InvalidOperationException($"expected an activation, got {_kind}"),
        };
    }

    // In double precision, rounded at the end.
    private Func<float, float> Each()
    {
        static double Softplus(double x) => Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x)));
        double setting = _setting;
        return _kind switch
        {
            Kind.Gelu => x => (float)(0.5 * x * (1 + Erf(x * Math.Sqrt(0.5)))),
            Kind.Silu => x => (float)(x / (1 + Math.Exp(-(double)x))),
            Kind.LeakyRelu => x => x > 0 ? x : (float)(setting * x),
            Kind.Elu => x => x > 0 ? x : (float)(setting * (Math.Exp(x) - 1)),
            Kind.Softplus => x => (float)Softplus(x),
            Kind.Hardswish => x => x * Math.Min(Math.Max(x + 3, 0), 6) / 6,
            Kind.Mish => x => (float)(x * Math.Tanh(Softplus(x))),
            _ => throw new InvalidOperationException($"expected an activation of single values, got {_kind}"),
        };
    }

    // With an error of at most 1.5e-7 (Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, 7.1.26).
    private static double Erf(double x)
    {
        double t = 1 / (1 + 0.3275911 * Math.Abs(x));
        double series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
        return Math.Sign(x) * (1 - series * Math.Exp(-x * x));
    }

    private static void Normalise(Span<float> row, bool logarithms)
    {
        TensorPrimitives.Subtract(row, TensorPrimitives.Max<float>(row), row);
        if (logarithms)
        {
            double sum = 0;
            foreach (float value in row)
            {
                sum += Math.Exp(value);
            }

            TensorPrimitives.Subtract(row, (float)Math.Log(sum), row);
            return;
        }

        TensorPrimitives.Exp(row, row);
        TensorPrimitives.Divide(row, TensorPrimitives.Sum<float>(row), row);
    }

    private static OnnxValue Real(OnnxGraph onnx, double value) => onnx.Reals([(float)value]);

    /// <summary>The name, with the setting where there is one.</summary>
    public override string ToString() => _kind is Kind.LeakyRelu or Kind.Elu
        ? $"{_kind} {_setting.ToString("R", CultureInfo.InvariantCulture)}"
        : $"{_kind}";

    // The dimension of features: an image's channels stand before its places.
    private static long Features(Tensor x) => x.dim() >= 4 ? x.dim() - 3 : x.dim() - 1;
}
