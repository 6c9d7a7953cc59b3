using System.Runtime.Intrinsics;

namespace ModNet.Kernels;

/// <summary>Lays out the windows of an image as <see cref="ModularConvolutionLayout"/> says, and adds gradients in them up to one in the image.</summary>
internal readonly unsafe struct ModularConvolutionWindows<L, V>(in ModularConvolutionSize size, in ModularConvolutionLayout layout)
    where L : struct, ILanes<V>
    where V : struct
{
    private readonly ModularConvolutionSize _size = size;
    private readonly ModularConvolutionLayout _layout = layout;

    /// <summary>Makes the rows of all taps [taps, windows] of an image, by way of its planes, whose padding has to be zeros.</summary>
    internal void Unfold(float* image, float* planes, float* taps)
    {
        for (int c = 0; c < _size.Inputs; c++)
        {
            for (int y = 0; y < _size.Height; y++, image += _size.Width)
            {
                Split(image, planes, c, y);
            }
        }

        float* tap = taps;
        int height = _size.OutputHeight, width = _size.OutputWidth, down = _size.Stride * _layout.PlaneWidth;
        for (int c = 0; c < _size.Inputs; c++)
        {
            for (int window = 0; window < _size.Kernel * _size.Kernel; window++, tap += _layout.Stride)
            {
                // Whole registers go over the end of a row. The next row, and then zeros, come over that.
                float* source = Source(planes, c, window);
                float* target = tap;
                for (int y = 0; y < height; y++, source += down, target += width)
                {
                    for (int x = 0; x < width; x += L.Count)
                    {
                        L.Store(target + x, L.Load(source + x));
                    }
                }

                new Span<float>(target, _layout.Stride - _size.Places).Clear();
            }
        }
    }

    /// <summary>Adds the gradients in the rows of all taps up to the gradient in an image.</summary>
    internal void Fold(float* taps, float* planes, float* image)
    {
        new Span<float>(planes, checked((int)_layout.Planes)).Clear();
        int height = _size.OutputHeight, width = _size.OutputWidth, down = _size.Stride * _layout.PlaneWidth;
        for (int c = 0; c < _size.Inputs; c++)
        {
            for (int window = 0; window < _size.Kernel * _size.Kernel; window++, taps += _layout.Stride)
            {
                float* target = Source(planes, c, window);
                float* source = taps;
                for (int y = 0; y < height; y++, target += down, source += width)
                {
                    Add(source, target, width);
                }
            }
        }

        for (int c = 0; c < _size.Inputs; c++)
        {
            for (int y = 0; y < _size.Height; y++, image += _size.Width)
            {
                Join(image, planes, c, y);
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

    // What the first window has at a place in the window.
    private float* Source(float* planes, int channel, int window)
    {
        (int y, int x) = (window / _size.Kernel, window % _size.Kernel);
        return planes + ((long)channel * _size.Stride + x % _size.Stride) * _layout.Plane + (long)y * _layout.PlaneWidth + x / _size.Stride;
    }

    // Where the first column of an image, and every Stride-th from there on, lies in the planes; the same for the second column, and so on.
    private float* Columns(float* planes, int channel, int y, int first)
    {
        int at = first + _size.Padding;
        return planes + ((long)channel * _size.Stride + at % _size.Stride) * _layout.Plane
            + (long)(y + _size.Padding) * _layout.PlaneWidth + at / _size.Stride;
    }

    // Spreads a row of an image over the planes.
    private void Split(float* row, float* planes, int channel, int y)
    {
        (int stride, int width) = (_size.Stride, _size.Width);
        float* even = Columns(planes, channel, y, 0);
        if (stride == 1)
        {
            new ReadOnlySpan<float>(row, width).CopyTo(new Span<float>(even, width));
            return;
        }

        int x = 0;
        if (stride == 2)
        {
            // A pair of numbers is a number of 64 bits, and its first is the lower half.
            float* odd = Columns(planes, channel, y, 1);
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
            Columns(planes, channel, y, x % stride)[x / stride] = row[x];
        }
    }

    // The other way round.
    private void Join(float* row, float* planes, int channel, int y)
    {
        (int stride, int width) = (_size.Stride, _size.Width);
        float* even = Columns(planes, channel, y, 0);
        if (stride == 1)
        {
            new ReadOnlySpan<float>(even, width).CopyTo(new Span<float>(row, width));
            return;
        }

        int x = 0;
        if (stride == 2)
        {
            float* odd = Columns(planes, channel, y, 1);
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
            row[x] = Columns(planes, channel, y, x % stride)[x / stride];
        }
    }
}
