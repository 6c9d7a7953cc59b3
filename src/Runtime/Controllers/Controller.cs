using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Gives p(a|x, φ), K softmaxes over M modules, from a row's own input x (paper, section 2).</summary>
public abstract class Controller(int choose, int modules) : GraphPart("controller")
{
    /// <summary>The log-probability of what is never chosen. exp of it is exactly 0 in every precision that ModNet computes in, and unlike −∞ it makes no NaN of a gradient.</summary>
    internal const double Never = -1e9;

    [ComponentName(Name = "balance")]
    private Tensor? _balance;
    [ComponentName(Name = "closed")]
    private Tensor? _closed;
    private bool[]? _masked;
    private int[]? _allowed;

    /// <summary>K, the number of positions.</summary>
    public int Choose { get; } = choose;

    /// <summary>M, the number of modules.</summary>
    public int Modules { get; } = modules;

    /// <summary>
    /// Whether the choices are latent: a selector makes them, and they are part of a* and of log p(a|x). Otherwise the data give them.
    /// </summary>
    public virtual bool Latent => true;

    /// <summary>How many of a datapoint's given choices it takes (<see cref="SideInputs.Given"/>).</summary>
    internal virtual int TakesGiven => 0;

    /// <summary>The modules that may be chosen, ascending: all of them but those given to <see cref="Mask"/>, and those that a growing pool keeps back.</summary>
    public IReadOnlyList<int> Allowed
    {
        get
        {
            if (_closed is null)
            {
                return _allowed ??= [.. Enumerable.Range(0, Modules).Where(m => _masked?[m] != true)];
            }

            long[] closed = FromDevice.Vector<long>(_closed, Wait.Asked);
            return [.. Enumerable.Range(0, Modules).Where(m => _masked?[m] != true && closed[m] == 0)];
        }
    }

    /// <summary>1 for each module that may not be chosen yet, and 0 for others: a buffer [M] of bytes of a growing pool's controllers (<see cref="TaskStream.Growth"/>), else null.</summary>
    internal Tensor? Closed => _closed;

    /// <summary>The parameters that have a row for every choice, [K·M, …], position by position; none where only code of the user's knows.</summary>
    internal virtual IEnumerable<Tensor> PerChoice => [];

    /// <summary>Whether training leaves the controller as it is (<see cref="Freezing"/>).</summary>
    internal bool Frozen { get; set; }

    /// <summary>Whether some modules may not be chosen.</summary>
    internal bool HasMasked => _masked is not null || _closed is not null;

    /// <summary>Adds the buffer closed, with all modules closed but the first <paramref name="start"/>, where there is none yet.</summary>
    internal void Close(int start, Device device)
    {
        if (_closed is null)
        {
            byte[] closed = [.. Enumerable.Range(0, Modules).Select(m => (byte)(m < start ? 0 : 1))];
            _closed = tensor(closed, device: device).DetachFromDisposeScope();
            register_buffer("closed", _closed);
        }
    }

    /// <summary>Lets the next closed modules be chosen.</summary>
    internal void Open(int count)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor closed = _closed!;
        long[] next = [.. FromDevice.Vector<long>(closed, Wait.Asked).Index().Where(m => m.Item == 1).Take(count).Select(m => (long)m.Index)];
        if (next.Length > 0)
        {
            closed.FillAt(0, tensor(next, device: closed.device), 0);
        }
    }

    /// <summary>
    /// Keeps the given modules from being chosen: their logits are −10⁹ at every position, so their probabilities are exactly 0 and the others
    /// sum to 1. It takes the place of an earlier mask. ArgumentException where a module is not there, or none would be left.
    /// </summary>
    /// <example><code>controller.Mask([14, 15]);</code></example>
    public virtual void Mask(IEnumerable<int> modules)
    {
        var masked = new bool[Modules];
        foreach (int module in modules)
        {
            masked[module >= 0 && module < Modules
                ? module
                : throw new ArgumentException($"{Layer}: expected modules from 0 to {Modules - 1} in the mask, got {module}")] = true;
        }

        if (masked.All(m => m))
        {
            throw new ArgumentException($"{Layer}: expected a module that may be chosen, got a mask over all {Modules} – leave one out of it");
        }

        (_masked, _allowed) = (masked.Any(m => m) ? masked : null, null);
    }

    /// <summary>Logits [n, K, M], or a bias [K·M], with those of masked modules out of reach. It is the same tensor where no module is masked.</summary>
    private protected Tensor Masked(Tensor logits)
    {
        if (_masked is null && _closed is null)
        {
            return logits;
        }

        long[] shape = logits.shape;
        logits = logits.view(-1, Modules);
        logits = _masked is null ? logits : logits.MaskedFill(tensor(_masked, device: logits.device), Never);
        return (_closed is null ? logits : logits.MaskedFill(_closed.to_type(ScalarType.Bool), Never)).view(shape);
    }

    /// <summary>Scores [n, M] by which modules are chosen, with those of masked modules below all others.</summary>
    internal Tensor MaskedScores(Tensor scores) => Masked(scores);

    /// <summary>The name of the layer that took the controller over, for messages.</summary>
    internal string Layer { get; set; } = "controller";

    /// <summary>
    /// The distribution [n, K, M] for rows x [n, …in]. <paramref name="beside"/> holds what the controller reads beside x, row by row; it
    /// is null for most controllers.
    /// </summary>
    public abstract ChoiceDistribution Distribution(Tensor x, Tensor? beside = null);

    /// <summary>
    /// The biases b [M] by which loss-free top-k balances the modules (Wang et al. 2024), a buffer and no parameter; null under any other method.
    /// </summary>
    public Tensor? Balance => _balance;

    /// <summary>
    /// Adds the buffer balance [M], of the type and on the device of <paramref name="like"/>. It begins at zero. UserException where the controller has no scores of modules.
    /// </summary>
    internal virtual void AddBalance(Tensor like)
    {
        if (_balance is null)
        {
            _balance = zeros([Modules], like.dtype, like.device).DetachFromDisposeScope();
            register_buffer("balance", _balance);
        }
    }

    /// <summary>
    /// Adds the weights W_noise of noisy top-k (Shazeer et al. 2017, Eq. 4), which begin at zero. UserException where the controller has no
    /// place for them.
    /// </summary>
    internal virtual void AddNoise() => throw new UserException(
        $"{Layer}/controller",
        "a controller that ends in a linear map of its own, for noisy top-k",
        GetType().Name,
        "use Linear, Mlp, Conv or Task");

    /// <summary>Takes from the route what the controller reads of B datapoints beside x: [B], [B, K], or null for nothing.</summary>
    internal virtual Tensor? Beside(Route route, long datapoints) => null;

    /// <summary>The same of an ONNX graph, [B] or [B, K].</summary>
    internal virtual OnnxValue? BesideOnnx(OnnxGraph onnx) => null;

    /// <summary>Adds the logits [K·M] of rows x to a <see cref="Predictor"/>. UserException where it needs libtorch's tensors, or data beside x.</summary>
    internal virtual RowValue ToRows(RowPlan plan, RowValue x) => throw plan.Refusal($"a {GetType().Name}");

    /// <summary>Adds the choice of modules for rows x [n, …in] to an ONNX graph → [n, K].</summary>
    internal virtual OnnxValue ChosenOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue? beside) => throw onnx.Refusal("a controller of its own");

    /// <summary>Flattens rows of any shape: [n, …] → [n, in].</summary>
    protected static Tensor Vectors(Tensor x) => x.dim() == 2 ? x : x.flatten(1);

    /// <summary>Flattens rows of any shape.</summary>
    private protected static OnnxValue Vectors(OnnxGraph onnx, OnnxValue x) =>
        x.Row.Length == 1 ? x : onnx.Reshape(x, x.Row.Aggregate(1L, (a, b) => a * b));
}
