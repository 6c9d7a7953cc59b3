using System.Runtime.Intrinsics;

namespace ModNet.Kernels;

/// <summary>Lays out the windows of an image as <see cref="ModularConvolutionLayout"/> says, and adds gradients in them up to one in the image.</summary>
internal sealed unsafe class ModularConvolutionWindows<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    private readonly ModularConvolutionSize _size;
    private readonly ModularConvolutionLayout _layout;

    // Where the first window finds each tap in the planes, [taps]; and where they hold the first columns of an image, [Stride].
    private readonly int[] _taps;
    private readonly int[] _columns;

    internal ModularConvolutionWindows(in ModularConvolutionSize size, in ModularConvolutionLayout layout)
    {
        (_size, _layout) = (size, layout);
        _taps = new int[layout.Taps];
        for (int tap = 0; tap < _taps.Length; tap++)
        {
            int x = tap % size.Kernel, y = tap / size.Kernel % size.Kernel, channel = tap / size.Kernel / size.Kernel;
            _taps[tap] = Column(channel, x) + y * layout.PlaneWidth;
        }

        _columns = new int[size.Stride];
        for (int column = 0; column < _columns.Length; column++)
        {
            _columns[column] = Column(0, size.Padding + column) + size.Padding * layout.PlaneWidth;
        }
    }

    /// <summary>Makes the rows of all taps [taps, windows] of an image, by way of its planes, whose padding has to be zeros.</summary>
    internal void Unfold(float* image, float* planes, float* taps)
    {
        float* plane = planes;
        for (int c = 0; c < _size.Inputs; c++, plane += _size.Stride * _layout.Plane)
        {
            float* row = plane;
            for (int y = 0; y < _size.Height; y++, image += _size.Width, row += _layout.PlaneWidth)
            {
                Split(image, row);
            }
        }

        (int height, int width, int down) = (_layout.Height, _layout.Width, _size.Stride * _layout.PlaneWidth);
        int rest = _layout.Stride - _layout.Windows;
        foreach (int tap in _taps)
        {
            // Whole registers go over the end of a row. The next row, and then zeros, come over that.
            float* source = planes + tap;
            float* target = taps;
            for (int y = 0; y < height; y++, source += down, target += width)
            {
                for (int x = 0; x < width; x += L.Count)
                {
                    L.Store(target + x, L.Load(source + x));
                }
            }

            new Span<float>(target, rest).Clear();
            taps += _layout.Stride;
        }
    }

    /// <summary>Adds the gradients in the rows of all taps up to the gradient in an image.</summary>
    internal void Fold(float* taps, float* planes, float* image)
    {
        new Span<float>(planes, checked((int)_layout.Planes)).Clear();
        (int height, int width, int down) = (_layout.Height, _layout.Width, _size.Stride * _layout.PlaneWidth);
        foreach (int tap in _taps)
        {
            float* target = planes + tap;
            float* source = taps;
            for (int y = 0; y < height; y++, target += down, source += width)
            {
                Add(source, target, width);
            }

            taps += _layout.Stride;
        }

        float* plane = planes;
        for (int c = 0; c < _size.Inputs; c++, plane += _size.Stride * _layout.Plane)
        {
            float* row = plane;
            for (int y = 0; y < _size.Height; y++, image += _size.Width, row += _layout.PlaneWidth)
            {
                Join(image, row);
            }
        }
    }

    /// <summary>target += source.</summary>
    internal static void Add(float* source, float* target, int length)
    {
        int i = 0;
        for (; i + L.Count <= length; i += L.Count)
        {
            L.Store(target + i, L.Add(L.Load(target + i), L.Load(source + i)));
        }

        for (; i + Vector128<float>.Count <= length; i += Vector128<float>.Count)
        {
            (Vector128.Load(target + i) + Vector128.Load(source + i)).Store(target + i);
        }

        for (; i < length; i++)
        {
            target[i] += source[i];
        }
    }

    // Where the planes hold a column of a padded image.
    private int Column(int channel, int x) =>
        checked((channel * _size.Stride + x % _size.Stride) * _layout.Plane + x / _size.Stride);

    // Spreads a row of an image over the planes, which begin at the same row.
    private void Split(float* row, float* planes)
    {
        (int stride, int width) = (_size.Stride, _size.Width);
        float* even = planes + _columns[0];
        if (stride == 1)
        {
            new ReadOnlySpan<float>(row, width).CopyTo(new Span<float>(even, width));
            return;
        }

        int x = 0;
        if (stride == 2)
        {
            // A pair of numbers is a number of 64 bits, and its first is the lower half.
            float* odd = planes + _columns[1];
            for (; x + 2 * Vector256<float>.Count <= width; x += 2 * Vector256<float>.Count)
            {
                Vector256<ulong> a = Vector256.Load((ulong*)(row + x)), b = Vector256.Load((ulong*)(row + x) + Vector256<ulong>.Count);
                Vector256.Narrow(a, b).AsSingle().Store(even + x / 2);
                Vector256.Narrow(a >>> 32, b >>> 32).AsSingle().Store(odd + x / 2);
            }

            for (; x + 2 * Vector128<float>.Count <= width; x += 2 * Vector128<float>.Count)
            {
                Vector128<ulong> a = Vector128.Load((ulong*)(row + x)), b = Vector128.Load((ulong*)(row + x) + Vector128<ulong>.Count);
                Vector128.Narrow(a, b).AsSingle().Store(even + x / 2);
                Vector128.Narrow(a >>> 32, b >>> 32).AsSingle().Store(odd + x / 2);
            }
        }

        for (; x < width; x++)
        {
            planes[_columns[x % stride] + x / stride] = row[x];
        }
    }

    // The other way round.
    private void Join(float* row, float* planes)
    {
        (int stride, int width) = (_size.Stride, _size.Width);
        float* even = planes + _columns[0];
        if (stride == 1)
        {
            new ReadOnlySpan<float>(even, width).CopyTo(new Span<float>(row, width));
            return;
        }

        int x = 0;
        if (stride == 2)
        {
            float* odd = planes + _columns[1];
            for (; x + 2 * Vector128<float>.Count <= width; x += 2 * Vector128<float>.Count)
            {
                (Vector128<ulong> a, Vector128<ulong> b) = Vector128.Widen(Vector128.Load((uint*)(even + x / 2)));
                (Vector128<ulong> c, Vector128<ulong> d) = Vector128.Widen(Vector128.Load((uint*)(odd + x / 2)));
                (a | (c << 32)).Store((ulong*)(row + x));
                (b | (d << 32)).Store((ulong*)(row + x) + Vector128<ulong>.Count);
            }
        }

        for (; x < width; x++)
        {
            row[x] = planes[_columns[x % stride] + x / stride];
        }
    }
}
