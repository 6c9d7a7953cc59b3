namespace ModNet.Kernels;

/// <summary>
/// The gradients of modules, block of images by block of images: every module that a block chose has a place for the block's part. How
/// images are cut into blocks depends on the sizes alone, so the parts and the order in which they are added up do, too.
/// </summary>
internal sealed unsafe class ModularConvolutionSums : IDisposable
{
    // At most so many blocks, of no fewer images, and with no more numbers for all modules together.
    private const int Most = 16;
    private const int Least = 4;
    private const long Numbers = 1 << 24;

    private readonly int _rows;
    private readonly int _modules;
    private readonly int _weights;
    private readonly int _length;
    private readonly int[] _places;
    private readonly int[] _firsts;
    private readonly Scratch _scratch;
    private readonly float* _parts;

    internal ModularConvolutionSums(in ModularConvolutionTask task)
    {
        ModularConvolutionSize size = task.Size;
        (_rows, _modules, _weights) = (size.Rows, size.Modules, size.WeightLength);
        _length = checked(_weights + size.Outputs);
        Blocks = (int)Math.Clamp(Math.Min(size.Rows / Least, Numbers / ((long)_modules * _length)), 1, Most);
        Wanted = task.WeightGradient is not null;
        _places = new int[checked(Blocks * _modules)];
        _firsts = new int[Blocks + 1];
        Array.Fill(_places, -1);
        int places = 0;
        for (int block = 0; block < Blocks && Wanted; block++)
        {
            for (int row = Row(block); row < Row(block + 1); row++)
            {
                for (int position = 0; position < size.Positions; position++)
                {
                    ref int place = ref _places[block * _modules + task.Module(row, position)];
                    place = place < 0 ? places++ : place;
                }
            }

            _firsts[block + 1] = places;
        }

        _scratch = new((long)places * _length);
        _parts = _scratch.Take();
    }

    /// <summary>Whether the modules' gradients are wanted.</summary>
    internal bool Wanted { get; }

    /// <summary>How many blocks there are.</summary>
    internal int Blocks { get; }

    /// <summary>The first image of a block.</summary>
    internal int Row(int block) => (int)((long)_rows * block / Blocks);

    /// <summary>Puts zeros into a block's parts.</summary>
    internal void Clear(int block) =>
        new Span<float>(_parts + (long)_firsts[block] * _length, checked((_firsts[block + 1] - _firsts[block]) * _length)).Clear();

    /// <summary>A block's part of the gradient of a module's filters, behind which is that of its biases; null where the block did not choose it.</summary>
    internal float* Part(int block, int module) =>
        _places[block * _modules + module] is >= 0 and int place ? _parts + (long)place * _length : null;

    public void Dispose() => _scratch.Dispose();
}
