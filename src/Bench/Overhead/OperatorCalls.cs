using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Bench;

/// <summary>Operators one by one, on tensors so small that what is measured is the way to them; the same as in peer/operators.py.</summary>
public sealed class OperatorCalls : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    /// <summary>Makes the tensors they work on.</summary>
    public OperatorCalls()
    {
        Tensor a = rand(4, 4), b = rand(4, 4), bias = rand(4), index = tensor(new long[] { 2, 0, 1 });
        Tensor leaf = rand(new long[] { 4, 4 }, requires_grad: true);
        All =
        [
            ("add", Freed(() => a + b)),
            ("multiply by a number", Freed(() => a * 2.0)),
            ("matmul", Freed(() => a.matmul(b))),
            ("linear", Freed(() => nn.functional.linear(a, b, bias))),
            ("sum", Freed(() => a.sum())),
            ("softmax", Freed(() => a.softmax(1))),
            ("view", Freed(() => a.view(2, 8))),
            ("narrow", Freed(() => a.narrow(0, 1, 2))),
            ("index_select", Freed(() => a.index_select(0, index))),
            ("cat", Freed(() => cat([a, b], 0))),
            ("to a number", () =>
            {
                using Tensor sum = a.sum();
                sum.ToSingle();
            }),
            ("multiply, sum, backward", () =>
            {
                leaf.grad = null;
                using Tensor product = leaf * b, sum = product.sum();
                sum.backward();
            }),
        ];
    }

    /// <summary>By name, in the peer's words.</summary>
    public IReadOnlyList<(string Name, Action Call)> All { get; }

    /// <inheritdoc/>
    public void Dispose() => _scope.Dispose();

    // Python frees a result that nobody keeps at once.
    private static Action Freed(Func<Tensor> call) => () => call().Dispose();
}
