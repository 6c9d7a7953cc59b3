using TorchSharp;
using Parameter = TorchSharp.Modules.Parameter;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Makes parameters of one dtype on one device from one random stream. Values are drawn on the CPU and then moved, so that a seed gives the
/// same parameters on every device. Fans are those of a single module, however many modules are stacked.
/// </summary>
public sealed class Initialiser
{
    private readonly Generator _generator;
    private readonly Init _init;
    private readonly int _modules;

    /// <summary>Draws from <paramref name="generator"/>, a generator on the CPU, by <see cref="Init.Uniform"/>.</summary>
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
    /// An initialiser on the same stream that makes weights by <paramref name="init"/>, for a pool of M = <paramref name="modules"/>
    /// modules; only <see cref="Init.Stacked"/> uses M.
    /// </summary>
    public Initialiser For(Init init, int modules = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(modules, 1);
        return new(_generator, DType, Device, init, modules);
    }

    /// <summary>Makes the weights of a map, or of a stack of maps, with these fans.</summary>
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

    /// <summary>Makes the biases of a map, or of a stack of maps, with <paramref name="inputs"/> inputs.</summary>
    public Parameter Bias(long inputs, params long[] shape) =>
        _init == Init.Uniform ? Uniform(inputs, shape) : Constant(0, shape);

    /// <summary>Makes a parameter that begins as U(−1/√fan, 1/√fan), whatever the init.</summary>
    public Parameter Uniform(long fan, params long[] shape) => Within(1 / Math.Sqrt(fan), shape);

    /// <summary>Makes a parameter of which every element is <paramref name="value"/>.</summary>
    public Parameter Constant(double value, params long[] shape) => Make(shape, t => t.fill_(value));

    /// <summary>
    /// Seeds libtorch's own generator from this stream and calls <paramref name="make"/>, so that a seed gives the same parameters to
    /// modules of the user's own, which libtorch initialises.
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
        // Drawn in float32 whatever the dtype, so that a float64 network starts from the same values as its float32 twin.
        Tensor values = fill(empty(shape, ScalarType.Float32, CPU)).to(DType).to(Device);
        var parameter = new Parameter(values);
        parameter.DetachFromDisposeScope();
        return parameter;
    }
}

/// <summary>How weights begin. <c>in</c> and <c>out</c> are the fans of a single module; those of a convolution are channels · kernel².</summary>
public enum Init
{
    /// <summary>Weights and biases begin as U(−1/√in, 1/√in).</summary>
    Uniform,

    /// <summary>Weights begin as U(−√(6/(in+out)), √(6/(in+out))), biases as 0.</summary>
    Glorot,

    /// <summary>Weights begin as N(0, 2/in), biases as 0.</summary>
    He,

    /// <summary>
    /// Weights begin as in the reference library, for comparison only: Glorot's rule is applied to the stack of M modules as if it were one
    /// tensor, U(−√(6/(M·(in+out))), √(6/(M·(in+out)))), which shrinks weights by √M. Biases begin as 0.
    /// </summary>
    Stacked,
}
