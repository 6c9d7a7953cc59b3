using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// A controller for many modules: a module's number is written as D digits of sizes M_1, …, M_D with M = Π_d M_d, the last one varying fastest, and a linear map of
/// x and a softmax for each digit of each of the K positions give log p_k(m|x) = Σ_d log p_kd(m_d|x). There are K · Σ_d M_d logits, D · M^(1/D) for each position
/// where digits are alike. With one digit it is <see cref="LinearController"/>. Images are flattened.
/// </summary>
/// <remarks>
/// The digits of a choice are independent given x, as its positions are. No logit belongs to one module, so a module cannot be masked, excluded or added, and
/// methods that score every module (noisy and loss-free top-k) do not take it.
/// </remarks>
public sealed class FactoredController : Controller
{
    [ComponentName(Name = "weight")]
    private Parameter _weight;
    [ComponentName(Name = "bias")]
    private Parameter _bias;

    private readonly Digits _digits;

    /// <summary>
    /// Parameters weight [K·Σ_d M_d, in] and bias [K·Σ_d M_d]: position by position, and in each digit by digit. ArgumentException where a size is below 1.
    /// </summary>
    /// <example><code>var controller = new FactoredController(64, [32, 32, 32, 32], choose: 1, initialiser); // over 1,048,576 modules</code></example>
    public FactoredController(int inputs, IReadOnlyList<int> digits, int choose, Initialiser initialiser)
        : this(inputs, new Digits(digits), choose, initialiser)
    {
    }

    private FactoredController(int inputs, Digits digits, int choose, Initialiser initialiser)
        : base(choose, digits.Modules)
    {
        _digits = digits;
        long logits = (long)choose * digits.Sizes.Sum();
        _weight = initialiser.Weight(inputs, logits, logits, inputs);
        _bias = initialiser.Bias(inputs, logits);
        register_parameter("weight", _weight);
        register_parameter("bias", _bias);
    }

    /// <summary>The sizes of the digits, [D].</summary>
    public IReadOnlyList<int> Sizes => _digits.Sizes;

    /// <inheritdoc/>
    public override ChoiceDistribution Distribution(Tensor x, Tensor? beside = null)
    {
        Tensor logits = Products.Linear(Vectors(x), _weight, _bias).view(-1, Choose, _digits.Sizes.Sum());
        return ChoiceDistribution.FromDigits(logits.split([.. _digits.Sizes.Select(size => (long)size)], -1));
    }

    /// <summary>ArgumentException: to leave out modules, each digit would have to know the others.</summary>
    public override void Mask(IEnumerable<int> modules) => throw new ArgumentException(
        $"{Layer}: expected a controller with a logit for every module to mask some, got a factored one – use a linear one");

    internal override void AddBalance(Tensor like) => throw new UserException(
        $"{Layer}/controller",
        "a controller that scores every module, for loss-free top-k",
        "a factored one, which scores digits",
        "use Linear, Mlp, Conv or Task");

    internal override OnnxValue ChosenOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue? beside) =>
        onnx.Choose(onnx.Reshape(onnx.Linear(Vectors(onnx, x), _weight, _bias), Choose, _digits.Sizes.Sum()), _digits);
}
