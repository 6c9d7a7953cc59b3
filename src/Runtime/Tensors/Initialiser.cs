using TorchSharp;
using Parameter = TorchSharp.Modules.Parameter;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Makes parameters of one dtype on one device from one random stream. Values are drawn on the CPU and then moved, so a
/// seed gives the same parameters on every device. Fans are those of a single module, however many are stacked.
/// </summary>
public sealed class Initialiser
{
    private readonly Generator _generator;
    private readonly Init _init;
    private readonly int _modules;

    /// <summary>Draws from <paramref name="generator"/> (a CPU generator), by <see cref="Init.Uniform"/>.</summary>
    public Initialiser(Generator generator, ScalarType dtype = ScalarType.Float32, Device? device = null)
        : this(generator, dtype, device ?? CPU, Init.Uniform, 1)
    {
    }

    private Initialiser(Generator generator, ScalarType dtype, Device device, Init init, int modules) =>
        (_generator, DType, Device, _init, _modules) = (generator, dtype, device, init, modules);

    /// <summary>The dtype of every parameter made.</summary>
    public ScalarType DType { get; }

    /// <summary>The device of every parameter made.</summary>
    public Device Device { get; }

    /// <summary>
    /// The same stream, with weights of <paramref name="init"/> for modules of a pool of <paramref name="modules"/> (M, of
    /// which <see cref="Init.Stacked"/> makes use).
    /// </summary>
    public Initialiser For(Init init, int modules = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(modules, 1);
        return new(_generator, DType, Device, init, modules);
    }

    /// <summary>Weights of a map, or of a stack of maps, with these fans.</summary>
    public Parameter Weight(long inputs, long outputs, params long[] shape)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputs, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(outputs, 1);
        return _init switch
        {
            Init.Uniform => Uniform(inputs, shape),
            Init.Glorot => Within(Math.Sqrt(6.0 / (inputs + outputs)), shape),
            Init.He => Make(shape, t => t.normal_(0, Math.Sqrt(2.0 / inputs), _generator)),
            Init.Stacked => Within(Math.Sqrt(6.0 / (_modules * (inputs + outputs))), shape),
            _ => throw new ArgumentOutOfRangeException(nameof(inputs), _init, "an Init"),
        };
    }

    /// <summary>Biases of a map, or of a stack of maps, with <paramref name="inputs"/> inputs.</summary>
    public Parameter Bias(long inputs, params long[] shape) =>
        _init == Init.Uniform ? Uniform(inputs, shape) : Constant(0, shape);

    /// <summary>U(−1/√fan, 1/√fan), whatever the init.</summary>
    public Parameter Uniform(long fan, params long[] shape) => Within(1 / Math.Sqrt(fan), shape);

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

    private Parameter Within(double bound, long[] shape) => Make(shape, t => t.uniform_(-bound, bound, _generator));

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

/// <summary>How weights begin. <c>in</c> and <c>out</c> are a single module's fans: for a convolution, channels · kernel².</summary>
public enum Init
{
    /// <summary>Weights and biases U(−1/√in, 1/√in).</summary>
    Uniform,

    /// <summary>Weights U(−√(6/(in+out)), √(6/(in+out))), biases 0.</summary>
    Glorot,

    /// <summary>Weights N(0, 2/in), biases 0.</summary>
    He,

    /// <summary>
    /// As the reference library has it, for comparison only: Glorot's over the stack of M modules as if it were one tensor,
    /// U(−√(6/(M·(in+out))), √(6/(M·(in+out)))), which shrinks weights by √M; biases 0.
    /// </summary>
    Stacked,
}
