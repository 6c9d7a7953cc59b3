using ModNet.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The controller's distribution p(a|x, φ) at one site: K independent softmaxes over the same M modules, so that log p(a|x) = Σ_k log
/// p_k(a_k|x) (Eq. 2).
/// </summary>
/// <remarks>
/// A factored one (<see cref="FactoredController"/>) writes a module's number as D digits and has a softmax for each, so that log p_k(m|x) = Σ_d log
/// p_kd(m_d|x). All but <see cref="LogProbabilities"/> and <see cref="SumOfProbabilities"/> then costs what Σ_d M_d costs, and not what M does.
/// </remarks>
public sealed class ChoiceDistribution
{
    private const long Few = 32;

    // log p of every digit, [B, K, M_d]; of one that is not factored, of the module itself, [B, K, M]. Empty for given choices.
    private readonly Tensor[] _parts;

    // Choices [B, K] that are given, and the type of the numbers that they stand for.
    private readonly Tensor? _given;
    private readonly ScalarType _type;

    // How often the rows of the parts are repeated, all of them each time: what is the same for all is computed once.
    private readonly int _times;

    private ChoiceDistribution(Tensor logProbabilities, bool latent, Tensor? noiseScale = null)
        : this([logProbabilities], new Digits((int)logProbabilities.shape[2]), latent) => NoiseScale = noiseScale;

    private ChoiceDistribution(Tensor[] parts, Digits digits, bool latent, int times = 1) =>
        (_parts, Digits, Latent, _times) = (parts, digits, latent, times);

    private ChoiceDistribution(Tensor given, Digits digits, ScalarType type)
        : this([], digits, false) => (_given, _type) = (given, type);

    /// <summary>
    /// The log-probabilities [B, K, M], normalised over M. A factored distribution, one of repeated rows, and one of given choices makes them anew at every call.
    /// </summary>
    public Tensor LogProbabilities => Repeated(Outer(Parts, (all, next) => all + next));

    /// <summary>How modules are written as digits; by one digit where the distribution is not factored.</summary>
    internal Digits Digits { get; }

    /// <summary>How many numbers are kept of a distribution.</summary>
    internal long Numbers => Kept.Sum(part => part.numel());

    private Tensor[] Kept => _given is null ? _parts : [_given];

    private Tensor[] Parts => _given is null ? _parts : [nn.functional.one_hot(_given, Modules).to_type(_type).log()];

    /// <summary>Whether a selector chooses. Otherwise the data give the choices, which then have probability 1.</summary>
    public bool Latent { get; }

    /// <summary>The standard deviation of noisy top-k's noise on each logit, [B, K, M]; null for other methods and in evaluation.</summary>
    public Tensor? NoiseScale { get; }

    /// <summary>B, the number of rows.</summary>
    public long Rows => _times * Kept[0].shape[0];

    /// <summary>K, the number of positions.</summary>
    public int Choose => (int)Kept[0].shape[1];

    /// <summary>M, the number of modules.</summary>
    public int Modules => Digits.Modules;

    /// <summary>The device on which it is.</summary>
    internal Device Device => Kept[0].device;

    /// <summary>Makes a distribution from logits [B, K, M], and from the standard deviation of the noise on them [B, K, M] where there is any.</summary>
    public static ChoiceDistribution FromLogits(Tensor logits, Tensor? noiseScale = null) =>
        new(LogSoftmaxOf(logits), true, noiseScale);

    // Rows of few modules are what our kernel is for, which has no gradient; libtorch's operator goes over such rows one by one.
    private static Tensor LogSoftmaxOf(Tensor logits)
    {
        if (is_grad_enabled() || logits.shape[^1] > Few || logits.dtype != ScalarType.Float32 || Accelerator.Holds(logits))
        {
            return nn.functional.log_softmax(logits, -1);
        }

        Tensor plain = logits.contiguous(), logs = empty_like(plain);
        LogSoftmax.Forward(TensorSpans.Floats(plain), (int)logits.shape[^1], TensorSpans.Floats(logs), get_num_threads());
        return logs;
    }

    /// <summary>
    /// Makes a factored distribution from the logits of every digit, [B, K, M_d] each, over M = Π_d M_d modules. The last digit varies fastest.
    /// </summary>
    /// <example><code>var pairs = ChoiceDistribution.FromDigits([torch.zeros(4, 1, 32), torch.zeros(4, 1, 32)]); // 1,024 modules</code></example>
    public static ChoiceDistribution FromDigits(IReadOnlyList<Tensor> logits) => new(
        [.. logits.Select(LogSoftmaxOf)], new Digits([.. logits.Select(digit => (int)digit.shape[2])]), true);

    /// <summary>Makes a distribution of latent choices from log-probabilities [B, K, M] that are normalised over M.</summary>
    internal static ChoiceDistribution FromLogProbabilities(Tensor logProbabilities) => new(logProbabilities, true);

    /// <summary>
    /// Puts all probability on given choices [B, K] among M modules: log-probability 0 there, −∞ elsewhere. Nothing of M numbers is made before they are asked for.
    /// </summary>
    public static ChoiceDistribution Given(Tensor indices, int modules, ScalarType dtype) => new(indices, new Digits(modules), dtype);

    /// <summary>Reads a gate, weights [B, k] on modules [B, k] that sum to 1, as the distribution of one position [B, 1, M].</summary>
    internal static ChoiceDistribution Gate(Tensor indices, Tensor weights, int modules) =>
        new(zeros(indices.shape[0], modules, weights.dtype, weights.device).Scatter(1, indices, weights).log().unsqueeze(1), true);

    /// <summary>
    /// Joins several distributions over the same modules: along dimension 0 their rows ([ΣB, K, M]), along dimension 1 their positions ([B, ΣK, M]). The noise's
    /// deviation is dropped.
    /// </summary>
    public static ChoiceDistribution Join(IReadOnlyList<ChoiceDistribution> parts, long dimension)
    {
        if (parts.All(p => p._given is not null && p._times == 1))
        {
            return new(Operators.Join([.. parts.Select(p => p._given!)], dimension), parts[0].Digits, parts[0]._type);
        }

        // Positions of rows that are repeated alike go side by side before they are repeated.
        bool isAlike = dimension == 1 && parts.All(p => p._times == parts[0]._times);
        return new(
            [.. Enumerable.Range(0, parts[0].Digits.Count).Select(
                d => Operators.Join([.. parts.Select(p => isAlike ? p.Parts[d] : p.Repeated(p.Parts[d]))], dimension))],
            parts[0].Digits,
            parts.Any(p => p.Latent),
            isAlike ? parts[0]._times : 1);
    }

    /// <summary>Repeats all rows: [B, K, M] → [times·B, K, M]. The noise's deviation is dropped.</summary>
    internal ChoiceDistribution Tile(int times) =>
        _given is null ? new(_parts, Digits, Latent, _times * times) : new(_given.Tile(times), Digits, _type);

    /// <summary>Gives each of an E-step's rows the distribution of its distinct row: [d, K, M] → [c·n, K, M]. The noise's deviation is dropped.</summary>
    internal ChoiceDistribution Spread(DistinctRows distinct) =>
        distinct.Unchosen ? Tile(distinct.Candidates)
        : _given is null ? new([.. _parts.Select(part => distinct.Spread(Repeated(part)))], Digits, Latent)
        : new(distinct.Spread(Repeated(_given)), Digits, _type);

    /// <summary>
    /// Puts all probability of some rows, those that are true in <paramref name="rows"/> [B], on one module, at every position. InvalidOperationException where modules are written as several digits.
    /// </summary>
    internal ChoiceDistribution Settled(Tensor rows, int module)
    {
        if (_given is not null)
        {
            return new(_given.MaskedFill(rows.unsqueeze(1), module), Digits, _type);
        }

        if (Digits.Count != 1)
        {
            throw new InvalidOperationException("expected a distribution over modules for rows that have halted, got one over digits – use another controller");
        }

        Tensor part = Repeated(_parts[0]);
        double[] logs = new double[Modules];
        Array.Fill(logs, Controller.Never);
        logs[module] = 0;
        Tensor certain = tensor(logs, part.dtype, part.device);
        return new(Operators.Where(rows.view(-1, 1, 1), certain, part), Latent, NoiseScale);
    }

    /// <summary>Splits rows that are the T steps of B sequences, [B·T, K, M] with the steps of a sequence in a row, into T distributions [B, K, M].</summary>
    public IEnumerable<ChoiceDistribution> Steps(long steps)
    {
        if (_given is not null)
        {
            return _given.view(-1, steps, Choose).unbind(1).Select(step => new ChoiceDistribution(step, Digits, _type));
        }

        Tensor[] Apart(Tensor rows) => [.. rows.view(-1, steps, Choose, rows.shape[2]).unbind(1)];
        Tensor[][] parts = Array.ConvertAll(_parts, part => Apart(Repeated(part)));
        Tensor[]? scales = NoiseScale is null ? null : Apart(NoiseScale);
        return Enumerable.Range(0, (int)steps).Select(t => scales is null
            ? new ChoiceDistribution(Array.ConvertAll(parts, part => part[t]), Digits, Latent)
            : new ChoiceDistribution(parts[0][t], Latent, scales[t]));
    }

    /// <summary>log p(a|x) of compositions [B, K] → [B], in nats.</summary>
    public Tensor LogProbability(Tensor indices) => Sum((part, d) => InRows(part.Gather(2, Beside(Digits.Of(indices, d))))).sum(1);

    /// <summary>
    /// Draws a module for every position, independently → [B, K]. Each of B·K uniform numbers u in [0, 1), in row order, takes the first
    /// module up to which the probabilities sum to more than u times their total. A module of probability 0 is never drawn. A factored distribution
    /// draws every digit in this way, by B·K·D numbers.
    /// </summary>
    public Tensor Sample(Generator generator) => SampleBy(Uniforms(Rows, generator));

    /// <summary>Draws in the same way by given uniform numbers u [B, K, D].</summary>
    internal Tensor SampleBy(Tensor uniforms)
    {
        using var noGrad = no_grad();
        return Digits.Join([.. Parts.Select((part, d) =>
        {
            if (part.shape[2] <= Few && part.dtype == ScalarType.Float32 && part.device_type == DeviceType.CPU && uniforms.dtype == ScalarType.Float32)
            {
                return DrawnByKernel(part, uniforms.select(-1, d).cpu());
            }

            Tensor sums = part.detach().exp().cumsum(-1);
            Tensor own = Beside(uniforms.select(-1, d).to(sums.device)) * sums.narrow(-1, Digits.Sizes[d] - 1, 1);
            // Of probabilities that are NaN any module will do, as long as there is one.
            return InRows(sums.SearchSorted(own).clamp_(max: Digits.Sizes[d] - 1));
        })]);
    }

    // Rows of few modules, for which libtorch's operators make a pass each and go over rows one by one: log p [n, K, M_d], uniforms [times·n, K] → [times·n, K].
    private static Tensor DrawnByKernel(Tensor part, Tensor uniforms)
    {
        Tensor logs = part.detach().contiguous(), own = uniforms.contiguous(), drawn = empty(own.shape, ScalarType.Int64);
        Draws.Run(TensorSpans.Floats(logs), (int)part.shape[2], TensorSpans.Floats(own), TensorSpans.Longs(drawn), get_num_threads());
        return drawn;
    }

    /// <summary>Uniform numbers for so many rows, [rows, K, D], drawn on the CPU, where the run's random streams are.</summary>
    internal Tensor Uniforms(long rows, Generator generator) =>
        rand(rows, Choose, Digits.Count, dtype: _given is null ? _parts[0].dtype : _type, generator: generator);

    /// <summary>The most probable module of every position → [B, K]. The digits of a factored one are independent, so each takes its own most probable value.</summary>
    public Tensor Mode() => _given ?? Repeated(Digits.Join(Array.ConvertAll(_parts, part => part.detach().argmax(-1))));

    /// <summary>The entropy of p(a|x) in nats, summed over positions (the joint entropy of Eq. 15) → [B].</summary>
    public Tensor Entropy() => Repeated(Sum((part, _) =>
    {
        // The floor makes 0·log 0 zero where a probability is exactly 0. NaN passes through, so that it is noticed.
        Tensor floored = part.clamp(min: -1e4);
        return -(part.exp() * floored).sum(-1).sum(-1);
    }));

    /// <summary>
    /// Σ of p_k(m|x) over the rows → [K, M] float64. A factored distribution multiplies it out as one product of two matrices for each position,
    /// B · M multiply-adds, without [B, K, M] numbers.
    /// </summary>
    internal Tensor SumOfProbabilities()
    {
        if (Digits.Count == 1)
        {
            return Repeated(Parts[0]).exp().to_type(ScalarType.Float64).sum(dim: 0);
        }

        Tensor[] probabilities = Array.ConvertAll(_parts, part => Repeated(part).to_type(ScalarType.Float64).exp());
        // The first digits against the others, so that both matrices are about as wide.
        int first = Enumerable.Range(1, _parts.Length - 1)
            .MinBy(d => Digits.Stride(d - 1) + Digits.Modules / Digits.Stride(d - 1));
        Tensor left = Outer(probabilities[..first], (all, next) => all * next), right = Outer(probabilities[first..], (all, next) => all * next);
        return left.permute(1, 2, 0).BatchedProduct(right.transpose(0, 1)).flatten(1);
    }

    // [n, …] → [times·n, …].
    private Tensor Repeated(Tensor rows) => _times == 1 ? rows : rows.Tile(_times);

    // What belongs to the repetitions of a row side by side: [times·n, K] → [n, K, times].
    private Tensor Beside(Tensor rows) => _times == 1
        ? rows.unsqueeze(-1)
        : rows.view(_times, -1, Choose).permute(1, 2, 0).contiguous();

    // And back: [n, K, times] → [times·n, K].
    private Tensor InRows(Tensor beside) => _times == 1 ? beside.squeeze(-1) : beside.permute(2, 0, 1).reshape(-1, Choose);

    // Σ_d of a tensor for each digit.
    private Tensor Sum(Func<Tensor, int, Tensor> ofDigit) => Parts.Select(ofDigit).Aggregate((sum, next) => sum + next);

    // Every value of the digits so far with every value of the next, [B, K, a] and [B, K, b] → [B, K, a·b].
    private static Tensor Outer(Tensor[] parts, Func<Tensor, Tensor, Tensor> combine) =>
        parts.Aggregate((all, next) => combine(all.unsqueeze(-1), next.unsqueeze(-2)).flatten(2));
}
