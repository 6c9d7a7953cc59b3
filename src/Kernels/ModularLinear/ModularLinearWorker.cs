namespace ModNet.Kernels;

/// <summary>
/// One thread's share of a modular linear layer. Block by block it copies the rows of a segment together, multiplies them with the
/// module's weights, and writes the results to where the choices lie.
/// </summary>
internal sealed unsafe class ModularLinearWorker<L, V> : IDisposable
    where L : struct, ILanes<V>
    where V : struct
{
    // While one row is copied, the row that is so many further on is asked for.
    private const int RowsAhead = 3;

    private readonly ModularLinearTask _task;
    private readonly ModularLinearLayout _layout;
    private readonly Scratch _scratch;
    private readonly float* _rows;
    private readonly float* _outputs;
    private readonly float* _weights;
    private readonly float* _sums;

    internal ModularLinearWorker(in ModularLinearTask task, in ModularLinearLayout layout)
    {
        (_task, _layout) = (task, layout);
        _scratch = new(
            (long)layout.BlockRows * layout.InputStride,
            (long)layout.BlockRows * Math.Max(layout.OutputStride, layout.BlockOutputs),
            layout.IsPacked ? (long)task.Size.Outputs * layout.WeightStride : 0,
            layout.OutputStride);
        // What pads rows and weights takes part in products, so it has to be zeros.
        _scratch.Clear();
        _rows = _scratch.Take();
        _outputs = _scratch.Take();
        _weights = _scratch.Take();
        _sums = _scratch.Take();
    }

    /// <summary>Computes the outputs of the choices at sorted places [from, to).</summary>
    internal void Forward(int from, int to) => InBlocks(from, to, (segment, place, count) =>
    {
        Gather(place, count);
        float* weight = Weight(_task.Segments.Modules[segment]);
        float* bias = _task.Bias is null ? null : _task.Bias + (long)_task.Segments.Modules[segment] * _task.Size.Outputs;
        for (int o = 0; o < _task.Size.Outputs; o += _layout.BlockOutputs)
        {
            int width = Math.Min(_layout.BlockOutputs, _task.Size.Outputs - o);
            Prefetch ahead = After(segment, o + _layout.BlockOutputs, _layout.BlockOutputs);
            ModularLinearBlocks<L, V>.Products(
                _layout.Inputs,
                _rows,
                _layout.InputStride,
                count,
                weight + (long)o * _layout.WeightStride,
                _layout.WeightStride,
                width,
                _outputs,
                _layout.BlockOutputs,
                ref ahead);
            for (int r = 0; r < count; r++)
            {
                float* y = _task.Output + (long)_task.Segments.Order[place + r] * _task.Size.Outputs + o;
                Finish(_outputs + r * _layout.BlockOutputs, bias is null ? null : bias + o, width, y);
            }
        }
    });

    /// <summary>
    /// Computes the gradients in x of the choices at sorted places [from, to), and writes each to <paramref name="gradients"/> [B·K, in]
    /// at the number of its choice.
    /// </summary>
    internal void RowGradients(int from, int to, float* gradients) => InBlocks(from, to, (segment, place, count) =>
    {
        GatherUpstream(place, count, 0, _task.Size.Outputs);
        float* weight = Weight(_task.Segments.Modules[segment]);
        for (int o = 0; o < _task.Size.Outputs; o += ModularLinearLayout.GradientBlock)
        {
            Prefetch ahead = After(segment, o + ModularLinearLayout.GradientBlock, ModularLinearLayout.GradientBlock);
            ModularLinearBlocks<L, V>.Accumulate(
                Math.Min(ModularLinearLayout.GradientBlock, _task.Size.Outputs - o),
                _outputs + o,
                _layout.OutputStride,
                1,
                count,
                weight + (long)o * _layout.WeightStride,
                _layout.WeightStride,
                _layout.Inputs,
                _rows,
                _layout.InputStride,
                o == 0,
                ref ahead);
        }

        for (int r = 0; r < count; r++)
        {
            LaneRows<L, V>.Copy(_rows + (long)r * _layout.InputStride, gradients + (long)_task.Segments.Order[place + r] * _task.Size.Inputs, _task.Size.Inputs);
        }
    });

    /// <summary>Computes the gradients in the weights and biases of outputs [from, to) of a segment's module, and writes those that the task has a place for.</summary>
    internal void ModuleGradients(int segment, int from, int to)
    {
        long row = _task.GradientRow(segment);
        if (_task.WeightGradient is null)
        {
            BiasGradient(segment, from, to);
        }
        else
        {
            // Asks for where the next module's gradient will go: writing waits for memory just as reading does.
            Prefetch ahead = segment + 1 == _task.Segments.Modules.Length || _layout.IsPacked
                ? default
                : new(_task.WeightGradient + _task.GradientRow(segment + 1) * _task.Size.WeightLength, _task.Size.WeightLength);
            WeightGradient(segment, from, to, _task.WeightGradient + (row * _task.Size.Outputs + from) * _task.Size.Inputs, ahead);
        }

        if (_task.BiasGradient is not null)
        {
            LaneRows<L, V>.Copy(_sums, _task.BiasGradient + row * _task.Size.Outputs + from, to - from);
        }
    }

    /// <summary>
    /// Computes the gradients in the weights of outputs [from, to) of a segment's module, and writes them to <paramref name="target"/> [to − from, in]. While the last block
    /// of rows is computed, <paramref name="next"/> is asked for.
    /// </summary>
    internal void WeightGradient(int segment, int from, int to, float* target, Prefetch next = default)
    {
        float* gradient = _layout.IsPacked ? _weights : target;
        new Span<float>(_sums, _layout.OutputStride).Clear();
        int start = _task.Segments.Starts[segment], end = _task.Segments.Starts[segment + 1];
        for (int place = start; place < end; place += _layout.BlockRows)
        {
            int count = Math.Min(_layout.BlockRows, end - place);
            Gather(place, count);
            GatherUpstream(place, count, from, to);
            Prefetch ahead = place + count < end ? default : next;
            ModularLinearBlocks<L, V>.Accumulate(
                count,
                _outputs,
                1,
                _layout.OutputStride,
                to - from,
                _rows,
                _layout.InputStride,
                _layout.Inputs,
                gradient,
                _layout.WeightStride,
                place == start,
                ref ahead);
            AddToSums(count, to - from);
        }

        if (_layout.IsPacked)
        {
            for (int o = 0; o < to - from; o++)
            {
                LaneRows<L, V>.Copy(_weights + (long)o * _layout.WeightStride, target + (long)o * _task.Size.Inputs, _task.Size.Inputs);
            }
        }
    }

    public void Dispose() => _scratch.Dispose();

    /// <summary>
    /// The weights to ask for while a block is computed: those of the next so many outputs from <paramref name="next"/> on, or, after
    /// this module's last output, those of the module in the next segment.
    /// </summary>
    private Prefetch After(int segment, int next, int outputs)
    {
        // Weights that are copied are read from end to end, which the processor foresees by itself.
        if (_layout.IsPacked)
        {
            return default;
        }

        if (next >= _task.Size.Outputs)
        {
            (segment, next) = (segment + 1, 0);
        }

        return segment >= _task.Segments.Modules.Length
            ? default
            : new(
                _task.Weight + _task.Segments.Modules[segment] * _task.Size.WeightLength + (long)next * _task.Size.Inputs,
                (long)Math.Min(outputs, _task.Size.Outputs - next) * _task.Size.Inputs);
    }

    // Leaves the gradients in the biases of outputs [from, to) in the sums, as WeightGradient does.
    private void BiasGradient(int segment, int from, int to)
    {
        new Span<float>(_sums, _layout.OutputStride).Clear();
        int start = _task.Segments.Starts[segment], end = _task.Segments.Starts[segment + 1];
        for (int place = start; place < end; place += _layout.BlockRows)
        {
            int count = Math.Min(_layout.BlockRows, end - place);
            GatherUpstream(place, count, from, to);
            AddToSums(count, to - from);
        }
    }

    // Adds so many gathered rows of gradients in outputs.
    private void AddToSums(int count, int width)
    {
        for (int r = 0; r < count; r++)
        {
            LaneRows<L, V>.Add(_outputs + (long)r * _layout.OutputStride, _sums, width);
        }
    }

    private void InBlocks(int from, int to, Action<int, int, int> body) => _task.Segments.InBlocks(from, to, _layout.BlockRows, body);

    // Copies the rows of x that the choices at these places belong to.
    private void Gather(int place, int count)
    {
        for (int r = 0; r < count; r++)
        {
            if (place + r + RowsAhead < _task.Segments.Order.Length)
            {
                new Prefetch(_task.Row(place + r + RowsAhead), _task.Size.Inputs).Next(1);
            }

            LaneRows<L, V>.Copy(_task.Row(place + r), _rows + (long)r * _layout.InputStride, _task.Size.Inputs);
        }
    }

    // Copies the gradients in outputs [from, to) of the choices at these places; where there is a ReLU, 0 where its output is 0.
    private void GatherUpstream(int place, int count, int from, int to)
    {
        int width = to - from;
        for (int r = 0; r < count; r++)
        {
            long at = (long)_task.Segments.Order[place + r] * _task.Size.Outputs + from;
            float* target = _outputs + (long)r * _layout.OutputStride;
            if (place + r + RowsAhead < _task.Segments.Order.Length)
            {
                new Prefetch(_task.Upstream + (long)_task.Segments.Order[place + r + RowsAhead] * _task.Size.Outputs + from, width).Next(1);
            }

            if (_task.Size.Relu)
            {
                Where(_task.Output + at, _task.Upstream + at, target, width);
            }
            else
            {
                LaneRows<L, V>.Copy(_task.Upstream + at, target, width);
            }
        }
    }

    // A module's weight with rows in whole registers: where it lies, or a copy.
    private float* Weight(int module)
    {
        float* weight = _task.Weight + module * _task.Size.WeightLength;
        if (!_layout.IsPacked)
        {
            return weight;
        }

        for (int o = 0; o < _task.Size.Outputs; o++)
        {
            LaneRows<L, V>.Copy(weight + (long)o * _task.Size.Inputs, _weights + (long)o * _layout.WeightStride, _task.Size.Inputs);
        }

        return _weights;
    }

    // Adds the bias, if there is one, and applies the ReLU, if there is one.
    private void Finish(float* sums, float* bias, int width, float* y)
    {
        int o = 0;
        for (; o + L.Count <= width; o += L.Count)
        {
            V sum = bias is null ? L.Load(sums + o) : L.Add(L.Load(sums + o), L.Load(bias + o));
            L.Store(y + o, _task.Size.Relu ? L.Max(sum, L.Broadcast(0f)) : sum);
        }

        for (; o < width; o++)
        {
            float sum = bias is null ? sums[o] : sums[o] + bias[o];
            y[o] = _task.Size.Relu ? MathF.Max(sum, 0f) : sum;
        }
    }

    private static void Where(float* sign, float* source, float* target, int length)
    {
        int i = 0;
        for (; i + L.Count <= length; i += L.Count)
        {
            L.Store(target + i, L.WherePositive(L.Load(sign + i), L.Load(source + i)));
        }

        for (; i < length; i++)
        {
            target[i] = sign[i] > 0 ? source[i] : 0f;
        }
    }
}
