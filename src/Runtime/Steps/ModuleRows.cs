using ModNet.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// One parameter [M, …] of a pool, and the optimiser's memory of it: steps that go through the rows of modules in use alone
/// (<see cref="Unselected.Rest"/>). In float32 on the CPU by one pass of our own, elsewhere by libtorch's operators on those rows.
/// </summary>
internal sealed class ModuleRows(Parameter parameter, TorchSharp.Modules.OptimizerState state)
{
    private Tensor? _gradient;

    private int Modules => (int)parameter.shape[0];

    /// <summary>Takes the gradient over, dense or with rows of its own, so that the optimiser finds none.</summary>
    internal void Take()
    {
        _gradient = parameter.grad?.DetachFromDisposeScope();
        parameter.grad = null;
    }

    /// <summary>A step on rows [U], each row's <paramref name="steps"/>-th; then the gradient is gone.</summary>
    internal void Step(OptimizerKind kind, double rate, long[] rows, long[] steps)
    {
        using var scope = NewDisposeScope();
        switch (kind, state)
        {
            case var _ when RowKernel.Takes(parameter):
                RowKernel.Step(kind, rate, parameter, state, Modules, rows, steps, Summands(rows));
                break;
            case (AdamKind or AdamWKind, _) when AdamMoments.Of(state) is { } moments:
                StepAdam(RowKernel.Numbers(kind, rate), moments.First, moments.Second, rows, steps);
                break;
            case (SgdKind own, SGD.State sgd):
                StepMomentum(rate, own.Momentum, sgd, rows);
                break;
            default:
                throw new InvalidOperationException($"no steps by rows are known of {kind}");
        }

        _gradient?.Dispose();
        _gradient = null;
    }

    private void StepAdam(AdamNumbers numbers, Tensor firsts, Tensor seconds, long[] rows, long[] steps)
    {
        Tensor index = tensor(rows, device: parameter.device);
        Tensor g = Gradient(rows, index);
        Tensor first = firsts.index_select(0, index) * numbers.Beta1 + g * (1 - numbers.Beta1);
        Tensor second = seconds.index_select(0, index) * numbers.Beta2 + g * g * (1 - numbers.Beta2);
        Tensor rate = PerRow(steps, t => numbers.Rate / (1 - Math.Pow(numbers.Beta1, t)));
        Tensor root = PerRow(steps, t => Math.Sqrt(1 - Math.Pow(numbers.Beta2, t)));
        Tensor kept = parameter.index_select(0, index) * (1 - numbers.Rate * numbers.Decay);
        firsts.index_copy_(0, index, first);
        seconds.index_copy_(0, index, second);
        parameter.index_copy_(0, index, kept - rate * first / (second.sqrt() / root + numbers.Epsilon));
    }

    private void StepMomentum(double rate, double momentum, SGD.State sgd, long[] rows)
    {
        Tensor index = tensor(rows, device: parameter.device);
        Tensor step = Gradient(rows, index);
        if (momentum != 0)
        {
            Tensor gathered = RowKernel.Gathered(sgd, parameter);
            step = gathered.index_select(0, index) * momentum + step;
            gathered.index_copy_(0, index, step);
        }

        parameter.index_copy_(0, index, parameter.index_select(0, index) - rate * step);
    }

    // [U, …]; the sum where a row comes several times.
    private Tensor Gradient(long[] rows, Tensor index)
    {
        if (_gradient is { is_sparse: false })
        {
            return _gradient.index_select(0, index);
        }

        Tensor sum = zeros([rows.Length, .. parameter.shape[1..]], parameter.dtype, parameter.device);
        if (_gradient is null)
        {
            return sum;
        }

        long[] places = Array.ConvertAll(SparseRows(), row => (long)Array.BinarySearch(rows, row));
        return sum.index_add_(0, tensor(places, device: parameter.device), _gradient.SparseValues, 1);
    }

    // The same for the kernel. A dense gradient is given whole, of which it reads what it is told to.
    private RowGradients Summands(long[] rows) => _gradient switch
    {
        null => default,
        { is_sparse: true } => new() { Values = TensorSpans.Floats(_gradient.SparseValues.contiguous()), Rows = SparseRows() },
        _ => new() { Values = TensorSpans.Floats(_gradient.contiguous()), Rows = rows, IsWhole = true },
    };

    private long[] SparseRows() => TensorArrays.Vector<long>(_gradient!.SparseIndices.select(0, 0));

    private Tensor PerRow(long[] steps, Func<long, double> of)
    {
        var shape = new long[parameter.dim()];
        Array.Fill(shape, 1);
        shape[0] = steps.Length;
        return tensor(Array.ConvertAll(steps, t => of(t))).to_type(parameter.dtype).to(parameter.device).view(shape);
    }
}
