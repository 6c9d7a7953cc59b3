using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// Makes parameters of one dtype on one device from one random stream. Values are drawn on the CPU and then moved, so a
/// seed gives the same parameters on every device. Fans are those of a single module, however many are stacked.
/// </summary>
public sealed class Initialiser
{
    private readonly Generator _generator;

    /// <summary>Draws from <paramref name="generator"/> (a CPU generator).</summary>
    public Initialiser(Generator generator, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        _generator = generator;
        DType = dtype;
        Device = device ?? CPU;
    }

    /// <summary>The dtype of every parameter made.</summary>
    public ScalarType DType { get; }

    /// <summary>The device of every parameter made.</summary>
    public Device Device { get; }

    /// <summary>U(−1/√fan, 1/√fan): the usual initialisation of a linear map with <paramref name="fan"/> inputs.</summary>
    public Parameter Uniform(long fan, params long[] shape)
    {
        double bound = 1 / Math.Sqrt(fan);
        return Make(shape, t => t.uniform_(-bound, bound, _generator));
    }

    /// <summary>Every element is <paramref name="value"/>.</summary>
    public Parameter Constant(double value, params long[] shape) => Make(shape, t => t.fill_(value));

    /// <summary>
    /// What <paramref name="make"/> gives, with libtorch's own generator, from which modules of a user's own begin, started from
    /// this stream: a seed gives them the same parameters too.
    /// </summary>
    public TModule Seeded<TModule>(Func<TModule> make)
    {
        using (Tensor seed = randint(long.MaxValue, new long[] { 1 }, ScalarType.Int64, generator: _generator))
        {
            manual_seed(seed.ToInt64());
        }

        return make();
    }

    private Parameter Make(long[] shape, Func<Tensor, Tensor> fill)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        // Drawn in float32 whatever the dtype: a float64 network then starts from the same values as its float32 twin.
        Tensor values = fill(empty(shape, ScalarType.Float32, CPU)).to(DType).to(Device);
        var parameter = new Parameter(values);
        parameter.DetachFromDisposeScope();
        return parameter;
    }
}
