using System.Buffers;

namespace ModNet.Kernels;

/// <summary>
/// Working memory for one call of a kernel: some pieces side by side, rented and pinned. Every piece begins with a cache line, and
/// what it contains at first is undefined.
/// </summary>
internal sealed unsafe class Scratch : IDisposable
{
    /// <summary>How many numbers a cache line holds.</summary>
    internal const int Line = 16;

    private readonly float[] _rented;
    private readonly MemoryHandle _pin;
    private readonly float* _start;
    private readonly long[] _starts;
    private readonly long _length;
    private int _taken;
    private bool _disposed;

    /// <summary>Pieces of these lengths, in numbers.</summary>
    internal Scratch(params ReadOnlySpan<long> lengths)
    {
        _starts = new long[lengths.Length];
        for (int i = 0; i < lengths.Length; i++)
        {
            _starts[i] = _length;
            _length += (lengths[i] + Line - 1) / Line * Line;
        }

        _rented = ArrayPool<float>.Shared.Rent(checked((int)(_length + Line)));
        _pin = _rented.AsMemory().Pin();
        nuint bytes = Line * sizeof(float);
        _start = (float*)(((nuint)_pin.Pointer + bytes - 1) & ~(bytes - 1));
    }

    /// <summary>The least multiple of <paramref name="multiple"/> that is no less than <paramref name="length"/>.</summary>
    internal static int RoundUp(int length, int multiple) => (length + multiple - 1) / multiple * multiple;

    /// <summary>The next piece, in the order in which their lengths were given.</summary>
    internal float* Take() => _start + _starts[_taken++];

    /// <summary>Fills all pieces with zeros.</summary>
    internal void Clear() => new Span<float>(_start, checked((int)_length)).Clear();

    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _pin.Dispose();
            ArrayPool<float>.Shared.Return(_rented);
        }
    }
}
