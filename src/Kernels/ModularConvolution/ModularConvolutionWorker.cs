namespace ModNet.Kernels;

/// <summary>
/// One thread's share of a modular convolution, image by image: the windows are laid out, and then every filter, or its gradient, is a
/// product with them. The filters of a few choices are multiplied together, so that tiles are full where modules have few channels.
/// </summary>
internal sealed unsafe class ModularConvolutionWorker<L, V> : IDisposable
    where L : struct, ILanes<V>
    where V : struct
{
    private readonly ModularConvolutionTask _task;
    private readonly ModularConvolutionSize _size;
    private readonly ModularConvolutionLayout _layout;
    private readonly ModularConvolutionWindows<L, V> _windows;
    private readonly Scratch _scratch;
    private readonly float* _planes;
    private readonly float* _taps;
    private readonly float* _weights;
    private readonly float* _outputs;
    private readonly float* _gradients;
    private readonly float* _sums;
    private readonly float* _planeGradients;
    private readonly int[] _modules;
    private readonly int[] _ofPosition;
    private readonly int[] _seen;
    private readonly int[] _places;

    internal ModularConvolutionWorker(in ModularConvolutionTask task, in ModularConvolutionLayout layout)
    {
        (_task, _size, _layout) = (task, task.Size, layout);
        _windows = new(task.Size, layout);
        long together = (long)layout.Together * _size.Outputs;
        bool back = task.GoesBack;
        _scratch = new(
            layout.Planes,
            (long)_layout.Taps * layout.Stride + Scratch.Line,
            together * _layout.Taps,
            together * layout.Stride + Scratch.Line,
            back ? (long)_layout.Taps * layout.Stride + Scratch.Line : 0,
            back ? together * layout.TapStride : 0,
            back ? layout.Planes : 0);
        // What pads images, windows and their gradients takes part in products, so it has to be zeros.
        _scratch.Clear();
        _planes = _scratch.Take();
        _taps = _scratch.Take();
        _weights = _scratch.Take();
        _outputs = _scratch.Take();
        _gradients = _scratch.Take();
        _sums = _scratch.Take();
        _planeGradients = _scratch.Take();
        _modules = new int[_layout.Positions];
        _ofPosition = new int[_layout.Positions];
        _seen = new int[_size.Modules];
        _places = new int[_size.Modules];
    }

    /// <summary>Computes the outputs of all choices of an image.</summary>
    internal void Forward(int row)
    {
        _windows.Unfold(_task.Image(row), _planes, _taps);
        int distinct = Distinct(row);
        for (int first = 0; first < distinct; first += _layout.Together)
        {
            int count = Math.Min(_layout.Together, distinct - first);
            float* weights = Gather(first, count);
            float* output = _outputs;
            for (int i = 0; i < count; i++)
            {
                for (int o = 0; o < _size.Outputs; o++, output += _layout.Stride)
                {
                    float bias = _task.Bias is null ? 0f : _task.Bias[(long)_modules[first + i] * _size.Outputs + o];
                    new Span<float>(output, _layout.Places).Fill(bias);
                }
            }

            Prefetch nothing = default;
            ModularLinearBlocks<L, V>.Accumulate(
                _layout.Taps,
                weights,
                _layout.Taps,
                1,
                count * _size.Outputs,
                _taps,
                _layout.Stride,
                _layout.Places,
                _outputs,
                _layout.Stride,
                false,
                ref nothing);
            for (int position = 0; position < _layout.Positions; position++)
            {
                int among = _ofPosition[position] - first;
                float* target = among >= 0 && among < count ? _task.Target(row, position) : null;
                if (target is not null)
                {
                    Finish(among, target);
                }
            }
        }
    }

    /// <summary>Computes the gradient in an image, and adds those in its modules to the sums of a block.</summary>
    internal void Backward(int row, ModularConvolutionSums sums, int block)
    {
        if (sums.Wanted)
        {
            _windows.Unfold(_task.X + (long)row * _layout.Image, _planes, _taps);
        }

        for (int first = 0; first < _layout.Positions; first += _layout.Together)
        {
            int count = Math.Min(_layout.Together, _layout.Positions - first);
            for (int i = 0; i < count; i++)
            {
                _modules[i] = _task.Module(row, first + i);
                GatherUpstream(_size.Choice(row, first + i), _outputs + (long)i * _size.Outputs * _layout.Stride);
            }

            if (sums.Wanted)
            {
                ModuleGradients(count, sums, block);
            }

            if (_task.XGradient is not null)
            {
                TapGradients(count, first == 0);
            }
        }

        if (_task.XGradient is not null)
        {
            _windows.Fold(_gradients, _planeGradients, _task.XGradient + (long)row * _layout.Image);
        }
    }

    public void Dispose() => _scratch.Dispose();

    // Products of every tap's row with the gradients in the outputs of so many choices.
    private void ModuleGradients(int count, ModularConvolutionSums sums, int block)
    {
        Prefetch nothing = default;
        ModularLinearBlocks<L, V>.Products(
            _layout.Places,
            _outputs,
            _layout.Stride,
            count * _size.Outputs,
            _taps,
            _layout.Stride,
            _layout.Taps,
            _sums,
            _layout.TapStride,
            ref nothing);
        for (int i = 0; i < count; i++)
        {
            float* part = sums.Part(block, _modules[i]);
            for (int o = 0; o < _size.Outputs; o++)
            {
                int filter = i * _size.Outputs + o;
                ModularConvolutionWindows<L, V>.Add(_sums + (long)filter * _layout.TapStride, part + (long)o * _layout.Taps, _layout.Taps);
                if (_task.BiasGradient is not null)
                {
                    part[_layout.Weights + o] += Sum(_outputs + (long)filter * _layout.Stride);
                }
            }
        }
    }

    // The gradients in every tap's row, from those in the outputs of so many choices.
    private void TapGradients(int count, bool fresh)
    {
        Prefetch nothing = default;
        ModularLinearBlocks<L, V>.Accumulate(
            count * _size.Outputs,
            Gather(0, count),
            1,
            _layout.Taps,
            _layout.Taps,
            _outputs,
            _layout.Stride,
            _layout.Places,
            _gradients,
            _layout.Stride,
            fresh,
            ref nothing);
    }

    // Lists the modules of an image, each once.
    private int Distinct(int row)
    {
        int distinct = 0;
        for (int position = 0; position < _layout.Positions; position++)
        {
            int module = _task.Module(row, position);
            if (_seen[module] != row + 1)
            {
                (_seen[module], _places[module]) = (row + 1, distinct);
                _modules[distinct++] = module;
            }

            _ofPosition[position] = _places[module];
        }

        return distinct;
    }

    // The filters of some of the listed modules, one below the other.
    private float* Gather(int first, int count)
    {
        int length = _layout.Weights;
        if (count == 1)
        {
            return _task.Weight + (long)_modules[first] * length;
        }

        for (int i = 0; i < count; i++)
        {
            new ReadOnlySpan<float>(_task.Weight + (long)_modules[first + i] * length, length)
                .CopyTo(new Span<float>(_weights + (long)i * length, length));
        }

        return _weights;
    }

    // Copies the gradients in the output of a choice; where there is a ReLU, 0 where its output is 0.
    private void GatherUpstream(int choice, float* target)
    {
        (bool relu, int windows) = (_size.Relu, _layout.Windows);
        float* source = _task.Upstream + (long)choice * _layout.Output;
        float* sign = _task.Output + (long)choice * _layout.Output;
        for (int o = 0; o < _size.Outputs; o++, source += windows, sign += windows, target += _layout.Stride)
        {
            int i = 0;
            for (; i + L.Count <= windows; i += L.Count)
            {
                V gradient = L.Load(source + i);
                L.Store(target + i, relu ? L.WherePositive(L.Load(sign + i), gradient) : gradient);
            }

            for (; i < windows; i++)
            {
                target[i] = !relu || sign[i] > 0 ? source[i] : 0f;
            }

        }
    }

    // Writes the output of one of the modules that ran together, after the ReLU, if there is one.
    private void Finish(int among, float* target)
    {
        (bool relu, int windows) = (_size.Relu, _layout.Windows);
        float* source = _outputs + (long)among * _size.Outputs * _layout.Stride;
        for (int o = 0; o < _size.Outputs; o++, source += _layout.Stride, target += windows)
        {
            int i = 0;
            for (; i + L.Count <= windows; i += L.Count)
            {
                V sum = L.Load(source + i);
                L.Store(target + i, relu ? L.Max(sum, L.Broadcast(0f)) : sum);
            }

            for (; i < windows; i++)
            {
                target[i] = relu ? MathF.Max(source[i], 0f) : source[i];
            }
        }
    }

    private float Sum(float* values)
    {
        V sum = L.Load(values);
        for (int i = L.Count; i < _layout.Places; i += L.Count)
        {
            sum = L.Add(sum, L.Load(values + i));
        }

        return L.Sum(sum);
    }
}
