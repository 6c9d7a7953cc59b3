namespace ModNet.Kernels;

/// <summary>
/// One thread's share of a layer of units. Block by block it copies the rows of a segment together, takes them through all stages, and writes the results to where
/// the choices lie.
/// </summary>
internal sealed unsafe class ModularUnitWorker<L, V> : IDisposable
    where L : struct, ILanes<V>
    where V : struct
{
    // While one row is copied, the row that is so many further on is asked for.
    private const int RowsAhead = 3;

    private readonly ModularUnitTask _task;
    private readonly ModularUnitPlanes _planes;
    private readonly ModularUnitLayout _layout;
    private readonly IReadOnlyList<UnitStage> _stages;
    private readonly Scratch _scratch;
    private readonly float* _even;
    private readonly float* _odd;
    private readonly float* _weights;
    private readonly float* _sums;

    internal ModularUnitWorker(in ModularUnitTask task, ModularUnitLayout layout)
    {
        (_task, _layout, _planes, _stages) = (task, layout, task.Planes, task.Size.Stages);
        long block = (long)layout.BlockRows * layout.WidestStride;
        _scratch = new(block, block, layout.PackedLength, 2 * layout.WidestStride);
        // What pads weights takes part in products, so it has to be zeros.
        _scratch.Clear();
        _even = _scratch.Take();
        _odd = _scratch.Take();
        _weights = _scratch.Take();
        _sums = _scratch.Take();
    }

    /// <summary>Computes the outputs of the choices at sorted places [from, to).</summary>
    internal void Forward(int from, int to) => InBlocks(from, to, (segment, place, count) =>
    {
        Gather(place, count);
        for (int s = 0; s < _stages.Count; s++)
        {
            Forward(s, segment, place, count);
        }

        float* rows = Plane(_stages.Count, place);
        int width = _task.Size.Outputs;
        for (int r = 0; r < count; r++)
        {
            LaneRows<L, V>.Copy(rows + (long)r * _planes.Strides[^1], _task.Output + (long)_task.Segments.Order[place + r] * width, width);
        }
    });

    /// <summary>
    /// Computes the gradients in what stages with parameters gave, for the choices at sorted places [from, to), and writes those in x, unless they are not wanted,
    /// to <paramref name="gradients"/> [B·K, in] at the number of each choice.
    /// </summary>
    internal void RowGradients(int from, int to, float* gradients) => InBlocks(from, to, (segment, place, count) =>
    {
        float* g = Gradient(_stages.Count, place, gradients is not null);
        GatherUpstream(g, place, count);
        for (int s = _stages.Count - 1; s >= 0; s--)
        {
            float* before = Gradient(s, place, gradients is not null);
            if (before is null)
            {
                return;
            }

            RowGradients(s, segment, place, count, g, before);
            g = before;
        }

        int width = _task.Size.Inputs;
        for (int r = 0; r < count; r++)
        {
            LaneRows<L, V>.Copy(g + (long)r * _planes.Strides[0], gradients + (long)_task.Segments.Order[place + r] * width, width);
        }
    });

    /// <summary>Computes the gradients in the parameters of a stage of a segment's module, as far as they belong to outputs [from, to).</summary>
    internal void ModuleGradients(int stage, int segment, int from, int to)
    {
        int start = _task.Segments.Starts[segment], count = _task.Segments.Starts[segment + 1] - start;
        long row = (long)_task.GradientRow(segment) * _stages[stage].Outputs + from;
        float* g = Gradient(stage + 1, start, false) + from;
        int stride = _planes.Strides[stage + 1];
        float* shifts = _sums + _layout.WidestStride;
        new Span<float>(_sums, to - from).Clear();
        new Span<float>(shifts, to - from).Clear();
        if (_stages[stage].Kind == UnitStageKind.Linear)
        {
            WeightGradient(stage, segment, from, to);
            if (_task.Gradients[stage].Second.Length > 0)
            {
                for (int r = 0; r < count; r++)
                {
                    LaneRows<L, V>.Add(g + (long)r * stride, _sums, to - from);
                }

                LaneRows<L, V>.Copy(_sums, _task.Gradients[stage].Second.Start + row, to - from);
            }

            return;
        }

        float* x = Plane(stage, start) + from;
        float* statistics = Statistics(stage, start);
        for (int r = 0; r < count; r++)
        {
            UnitNorm<L, V>.Add(
                x + (long)r * _planes.Strides[stage], statistics[2 * r], statistics[2 * r + 1], g + (long)r * stride, _sums, shifts, to - from);
        }

        LaneRows<L, V>.Copy(_sums, _task.Gradients[stage].First.Start + row, to - from);
        LaneRows<L, V>.Copy(shifts, _task.Gradients[stage].Second.Start + row, to - from);
    }

    public void Dispose() => _scratch.Dispose();

    // Takes a block through a stage, from its plane to the next.
    private void Forward(int s, int segment, int place, int count)
    {
        UnitStage stage = _stages[s];
        float* x = Plane(s, place);
        float* y = Plane(s + 1, place);
        (int xStride, int yStride) = (_planes.Strides[s], _planes.Strides[s + 1]);
        int module = _task.Segments.Modules[segment];
        UnitArrays arrays = _task.Arrays[s];
        if (stage.Kind == UnitStageKind.Linear)
        {
            Products(s, segment, x, y, count);
        }

        float* statistics = Statistics(s, place);
        for (int r = 0; r < count; r++, x += xStride, y += yStride)
        {
            switch (stage.Kind)
            {
                case UnitStageKind.Linear:
                    if (arrays.Second.Length > 0)
                    {
                        LaneRows<L, V>.Add(arrays.Second.Start + (long)module * stage.Outputs, y, stage.Outputs);
                    }

                    break;
                case UnitStageKind.Norm:
                    (float mean, float normal) = UnitNorm<L, V>.Statistics(x, stage.Inputs);
                    long own = (long)module * stage.Outputs;
                    UnitNorm<L, V>.Forward(x, mean, normal, arrays.First.Start + own, arrays.Second.Start + own, y, stage.Outputs);
                    if (statistics is not null)
                    {
                        (statistics[2 * r], statistics[2 * r + 1]) = (mean, normal);
                    }

                    break;
                case UnitStageKind.Function:
                    UnitFunctions<L, V>.Apply(stage, x, y, _layout.Padded[s]);
                    break;
                default:
                    LaneRows<L, V>.Multiply(x, arrays.First.Start + (long)(place + r) * stage.Outputs, y, stage.Outputs);
                    break;
            }

            ClearPadding(y, s + 1);
        }
    }

    // From the gradient in what a stage gave to that in what it was given.
    private void RowGradients(int s, int segment, int place, int count, float* g, float* before)
    {
        UnitStage stage = _stages[s];
        if (stage.Kind == UnitStageKind.Linear)
        {
            InputGradient(s, segment, g, before, count);
            return;
        }

        int stride = _planes.Strides[s];
        float* at = stage.Kind == UnitStageKind.Factors ? null : Plane(stage.NeedsOutput ? s + 1 : s, place);
        float* statistics = Statistics(s, place);
        for (int r = 0; r < count; r++)
        {
            float* row = g + (long)r * stride;
            switch (stage.Kind)
            {
                case UnitStageKind.Norm:
                    float* scale = _task.Arrays[s].First.Start + (long)_task.Segments.Modules[segment] * stage.Outputs;
                    UnitNorm<L, V>.Backward(
                        at + (long)r * stride, statistics[2 * r], statistics[2 * r + 1], scale, row, before + (long)r * stride, stage.Outputs);
                    break;
                case UnitStageKind.Function:
                    UnitFunctions<L, V>.Back(stage, at + (long)r * stride, row, _layout.Padded[s]);
                    break;
                default:
                    LaneRows<L, V>.Multiply(row, _task.Arrays[s].First.Start + (long)(place + r) * stage.Outputs, row, stage.Outputs);
                    break;
            }
        }
    }

    private void Products(int s, int segment, float* x, float* y, int count)
    {
        ModularLinearLayout layout = _layout.Linear[s]!.Value;
        int outputs = _stages[s].Outputs;
        float* weight = Weight(s, segment);
        for (int o = 0; o < outputs; o += layout.BlockOutputs)
        {
            Prefetch ahead = After(s, segment, o + layout.BlockOutputs, layout.BlockOutputs, 1);
            ModularLinearBlocks<L, V>.Products(
                layout.Inputs, x, _planes.Strides[s], count, weight + (long)o * layout.WeightStride, layout.WeightStride,
                Math.Min(layout.BlockOutputs, outputs - o), y + o, _planes.Strides[s + 1], ref ahead);
        }
    }

    private void InputGradient(int s, int segment, float* g, float* before, int count)
    {
        ModularLinearLayout layout = _layout.Linear[s]!.Value;
        int outputs = _stages[s].Outputs;
        float* weight = Weight(s, segment);
        for (int o = 0; o < outputs; o += ModularLinearLayout.GradientBlock)
        {
            Prefetch ahead = After(s, segment, o + ModularLinearLayout.GradientBlock, ModularLinearLayout.GradientBlock, -1);
            ModularLinearBlocks<L, V>.Accumulate(
                Math.Min(ModularLinearLayout.GradientBlock, outputs - o), g + o, _planes.Strides[s + 1], 1, count,
                weight + (long)o * layout.WeightStride, layout.WeightStride, layout.Inputs, before, _planes.Strides[s], o == 0, ref ahead);
        }
    }

    private void WeightGradient(int s, int segment, int from, int to)
    {
        ModularLinearLayout layout = _layout.Linear[s]!.Value;
        UnitStage stage = _stages[s];
        float* target = _task.Gradients[s].First.Start + ((long)_task.GradientRow(segment) * stage.Outputs + from) * stage.Inputs;
        float* gradient = layout.IsPacked ? _weights : target;
        int start = _task.Segments.Starts[segment], end = _task.Segments.Starts[segment + 1];
        for (int place = start; place < end; place += _layout.BlockRows)
        {
            Prefetch ahead = place + _layout.BlockRows < end ? default : NextGradient(s, segment);
            ModularLinearBlocks<L, V>.Accumulate(
                Math.Min(_layout.BlockRows, end - place), Gradient(s + 1, place, false) + from, 1, _planes.Strides[s + 1], to - from,
                Plane(s, place), _planes.Strides[s], layout.Inputs, gradient, layout.WeightStride, place == start, ref ahead);
        }

        for (int o = 0; layout.IsPacked && o < to - from; o++)
        {
            LaneRows<L, V>.Copy(_weights + (long)o * layout.WeightStride, target + (long)o * stage.Inputs, stage.Inputs);
        }
    }

    // The rows of plane s from a sorted place on: kept, or a block of them in working memory, in the other half than those of the planes beside it.
    private float* Plane(int s, int place) =>
        _task.Kept is not null && _planes.Kept[s] != ModularUnitPlanes.None
            ? _task.Kept + _planes.Kept[s] + (long)place * _planes.Strides[s]
            : s % 2 == 0 ? _even : _odd;

    // The mean and 1/√(variance + ε) of each row of a normalisation from a sorted place on; null where they are not kept.
    private float* Statistics(int s, int place) =>
        _task.Kept is null || _planes.Statistics[s] == ModularUnitPlanes.None ? null : _task.Kept + _planes.Statistics[s] + 2L * place;

    // The gradients in plane s from a sorted place on. Stages without parameters change them in place, up to the stage with parameters that gave the rows. Before
    // the first such stage working memory holds a block of them, if they are wanted.
    private float* Gradient(int s, int place, bool wanted)
    {
        int stage = s - 1;
        while (stage >= 0 && !_stages[stage].HasParameters)
        {
            stage--;
        }

        return stage >= 0 ? _task.Work + _planes.Gradients[stage] + (long)place * _planes.Strides[s] : wanted ? _even : null;
    }

    /// <summary>
    /// The weights to ask for while a block is computed: those of the next so many outputs from <paramref name="next"/> on, or, after the last output, those of the
    /// linear stage that comes next on the way, in the next segment where that is needed.
    /// </summary>
    private Prefetch After(int s, int segment, int next, int outputs, int way)
    {
        if (next >= _stages[s].Outputs)
        {
            next = 0;
            do
            {
                s += way;
                if (s < 0 || s >= _stages.Count)
                {
                    (s, segment) = (way > 0 ? 0 : _stages.Count - 1, segment + 1);
                }
            }
            while (_stages[s].Kind != UnitStageKind.Linear);
        }

        // Weights that are copied are read from end to end, which the processor foresees by itself.
        if (segment >= _task.Segments.Modules.Length || _layout.Linear[s]!.Value.IsPacked)
        {
            return default;
        }

        UnitStage stage = _stages[s];
        return new(
            _task.Arrays[s].First.Start + _task.Segments.Modules[segment] * stage.FirstLength + (long)next * stage.Inputs,
            (long)Math.Min(outputs, stage.Outputs - next) * stage.Inputs);
    }

    // Where the gradient of the weight that comes next will go: writing waits for memory just as reading does.
    private Prefetch NextGradient(int s, int segment)
    {
        do
        {
            (s, segment) = s + 1 < _stages.Count ? (s + 1, segment) : (0, segment + 1);
        }
        while (_stages[s].Kind != UnitStageKind.Linear);

        return segment >= _task.Segments.Modules.Length || _layout.Linear[s]!.Value.IsPacked
            ? default
            : new(_task.Gradients[s].First.Start + _task.GradientRow(segment) * _stages[s].FirstLength, _stages[s].FirstLength);
    }

    private void InBlocks(int from, int to, Action<int, int, int> body) => _task.Segments.InBlocks(from, to, _layout.BlockRows, body);

    // Copies the rows of x that the choices at these places belong to.
    private void Gather(int place, int count)
    {
        float* target = Plane(0, place);
        int width = _task.Size.Inputs;
        for (int r = 0; r < count; r++, target += _planes.Strides[0])
        {
            if (place + r + RowsAhead < _task.Segments.Order.Length)
            {
                new Prefetch(Row(place + r + RowsAhead), width).Next(1);
            }

            LaneRows<L, V>.Copy(Row(place + r), target, width);
            ClearPadding(target, 0);
        }

        float* Row(int at) => _task.X + (long)(_task.Segments.Order[at] / _task.Size.Choose) * width;
    }

    private void GatherUpstream(float* target, int place, int count)
    {
        int width = _task.Size.Outputs;
        for (int r = 0; r < count; r++, target += _planes.Strides[^1])
        {
            if (place + r + RowsAhead < _task.Segments.Order.Length)
            {
                new Prefetch(Row(place + r + RowsAhead), width).Next(1);
            }

            LaneRows<L, V>.Copy(Row(place + r), target, width);
        }

        float* Row(int at) => _task.Upstream + (long)_task.Segments.Order[at] * width;
    }

    // What pads a row takes part in the next products, so it has to be numbers.
    private void ClearPadding(float* row, int s)
    {
        for (int i = _planes.Widths[s]; i < _layout.Padded[s]; i++)
        {
            row[i] = 0f;
        }
    }

    // A module's weight with rows in whole registers: where it lies, or a copy.
    private float* Weight(int s, int segment)
    {
        ModularLinearLayout layout = _layout.Linear[s]!.Value;
        UnitStage stage = _stages[s];
        float* weight = _task.Arrays[s].First.Start + _task.Segments.Modules[segment] * stage.FirstLength;
        if (!layout.IsPacked)
        {
            return weight;
        }

        for (int o = 0; o < stage.Outputs; o++)
        {
            float* row = _weights + (long)o * layout.WeightStride;
            LaneRows<L, V>.Copy(weight + (long)o * stage.Inputs, row, stage.Inputs);
            new Span<float>(row + stage.Inputs, layout.Inputs - stage.Inputs).Clear();
        }

        return _weights;
    }
}
