using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Module numbers written as digits: with sizes M_1, …, M_D there are M = Π_d M_d modules, and module i = Σ_d i_d · M_{d+1} · … · M_D has the digits i_d in
/// [0, M_d). The last digit varies fastest. With one digit, a module's number is that digit.
/// </summary>
internal sealed class Digits : IEquatable<Digits>
{
    private readonly int[] _sizes;
    private readonly long[] _strides;

    /// <summary>Digits of these sizes, each at least 1. ArgumentException where there is none, or M is too large.</summary>
    internal Digits(params IReadOnlyList<int> sizes)
    {
        if (sizes.Count == 0 || sizes.Any(size => size < 1))
        {
            throw new ArgumentException($"expected digits of sizes from 1 on, got [{string.Join(", ", sizes)}] – give one or more");
        }

        _sizes = [.. sizes];
        _strides = new long[_sizes.Length];
        long modules = 1;
        for (int d = _sizes.Length - 1; d >= 0; d--)
        {
            _strides[d] = modules;
            modules = checked(modules * _sizes[d]);
        }

        Modules = checked((int)modules);
    }

    /// <summary>M_d of every digit, [D].</summary>
    internal IReadOnlyList<int> Sizes => _sizes;

    /// <summary>M.</summary>
    internal int Modules { get; }

    /// <summary>D.</summary>
    internal int Count => _sizes.Length;

    /// <summary>What a step of digit d adds to the number of a module.</summary>
    internal long Stride(int digit) => _strides[digit];

    /// <summary>Digit d of modules, int64 in any shape.</summary>
    internal Tensor Of(Tensor modules, int digit)
    {
        // The first digit has nothing above it, and the last one nothing below.
        Tensor above = _strides[digit] == 1 ? modules : modules.div(_strides[digit], RoundingMode.floor);
        return digit == 0 ? above : above.remainder(_sizes[digit]);
    }

    /// <summary>The modules of given digits, D tensors of int64 of one shape.</summary>
    internal Tensor Join(IReadOnlyList<Tensor> digits)
    {
        Tensor modules = digits[0];
        for (int d = 1; d < digits.Count; d++)
        {
            modules = modules * _sizes[d] + digits[d];
        }

        return modules;
    }

    /// <inheritdoc/>
    public bool Equals(Digits? other) => other is not null && _sizes.AsSpan().SequenceEqual(other._sizes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Digits);

    /// <inheritdoc/>
    public override int GetHashCode() => Modules;
}
