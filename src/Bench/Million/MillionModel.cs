using ModNet.Runtime;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Bench;

// The DSL's words of the same names are nearer.
using Activation = Runtime.Activation;
using Combine = Runtime.Combine;
using Dispatch = Runtime.Dispatch;
using Unselected = Runtime.Unselected;

/// <summary>
/// A modular layer of M linear modules with a factored controller and a Gaussian head, in training by Viterbi EM while unused modules rest. Its minibatches, which are all of its
/// data, are assigned to as many modules as are in use, in turn, and the controller's probabilities lie on these, so that the samples of E-steps do, too.
/// </summary>
public sealed class MillionModel : IDisposable
{
    // The logit of a digit that no module in use has; exp of it is nothing beside the others.
    private const double Unlikely = -50;

    private readonly RandomStreams _streams = new(1);
    private readonly Graph _graph;
    private readonly Dataset _data;

    /// <summary>
    /// Modules of these <paramref name="digits"/>, of which as many as <paramref name="used"/> has are in use: the digits of these lie evenly among all. The modules' weights are drawn, or they are
    /// zeros that take no memory before they are written.
    /// </summary>
    public MillionModel(MillionSizes sizes, IReadOnlyList<int> digits, IReadOnlyList<int> used, bool isDrawn)
    {
        using var scope = NewDisposeScope();
        int modules = digits.Aggregate(1, (a, b) => a * b);
        var initialiser = new Initialiser(_streams.Init);
        LinearPool pool = isDrawn
            ? new("pool", modules, sizes.Width, sizes.Width, Activation.Identity, true, initialiser)
            : new("pool", Zeros(modules, sizes.Width, sizes.Width), Zeros(modules, sizes.Width), Activation.Identity);
        var controller = new FactoredController(sizes.Width, digits, 1, initialiser);
        _graph = new([new ModularLayer("modular1", controller, pool, Combine.Sum, Dispatch.Auto)], new GaussianHead(0.1, false, initialiser));
        using (no_grad())
        {
            Tensor[] ofDigits = controller.parameters().Single(p => p.dim() == 1).split([.. digits.Select(size => (long)size)], 0);
            for (int d = 0; d < digits.Count; d++)
            {
                Tensor isUsed = arange(digits[d]).remainder(digits[d] / used[d]).eq(0);
                ofDigits[d].masked_fill_(isUsed.logical_not(), Unlikely);
            }
        }

        _data = new(
            randn([sizes.Batch, sizes.Width], generator: _streams.Data).MoveToOuterDisposeScope(),
            randn([sizes.Batch, sizes.Width], generator: _streams.Data).MoveToOuterDisposeScope());
        Em = new(
            _graph,
            _data,
            new(sizes.Samples, 1, sizes.Batch, sizes.Batch) { Unselected = Unselected.Rest },
            _streams);
        for (int n = 0; n < sizes.Batch; n++)
        {
            Em.Assignments.Set(n, [Module(n, digits, used)]);
        }
    }

    /// <summary>Its training.</summary>
    public ViterbiEm Em { get; }

    /// <summary>How many modules the data are assigned to.</summary>
    public int InUse => Enumerable.Range(0, (int)_data.Count).Select(n => Em.Assignments[n, 0]).Distinct().Count();

    /// <inheritdoc/>
    public void Dispose()
    {
        Em.Dispose();
        _graph.Dispose();
        _data.Dispose();
        _streams.Dispose();
    }

    // The modules in use in turn.
    private static long Module(int n, IReadOnlyList<int> digits, IReadOnlyList<int> used)
    {
        long module = 0;
        for (int d = 0; d < digits.Count; d++)
        {
            module = module * digits[d] + n % used[d] * (digits[d] / used[d]);
            n /= used[d];
        }

        return module;
    }

    private static Parameter Zeros(params long[] shape)
    {
        // Only the shape and the type are read.
        using Tensor like = empty(1).expand(shape);
        return new(ZeroPages.Like(like));
    }
}
