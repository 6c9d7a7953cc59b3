using System.Buffers;

namespace ModNet.Kernels;

/// <summary>Working memory for one call of a kernel: rented, pinned and aligned to a cache line. Contents start undefined.</summary>
internal sealed unsafe class Scratch : IDisposable
{
    private const int LineBytes = 64;
    private const int LineLength = LineBytes / sizeof(float);

    private readonly float[] _rented;
    private readonly MemoryHandle _pin;
    private bool _disposed;

    /// <summary>Room for <paramref name="length"/> floats.</summary>
    internal Scratch(long length)
    {
        _rented = ArrayPool<float>.Shared.Rent(checked((int)(length + LineLength)));
        _pin = _rented.AsMemory().Pin();
        nuint start = (nuint)_pin.Pointer;
        Start = (float*)((start + LineBytes - 1) & ~(nuint)(LineBytes - 1));
    }

    /// <summary>First float; aligned to 64 bytes.</summary>
    internal float* Start { get; }

    /// <summary>The least length ≥ <paramref name="length"/> after which the next float is aligned again.</summary>
    internal static int RoundUp(int length) => (length + LineLength - 1) / LineLength * LineLength;

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
