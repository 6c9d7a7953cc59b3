namespace ModNet.Kernels;

/// <summary>
/// One thread's share of a modular GRU: runs rows over their windows, one row after the other. Threads share the packed weights.
/// </summary>
internal sealed unsafe class ModularGruForward<L, V> : IDisposable
    where L : struct, ILanes<V>
    where V : struct
{
    private readonly ModularGruTask _task;
    private readonly ModularGruSize _size;
    private readonly ModularGruLayout _layout;
    private readonly float* _weights;
    private readonly float* _biases;
    private readonly Scratch _scratch;
    private readonly float* _h;
    private readonly float* _hx;
    private readonly float* _reset;
    private readonly float* _outputs;
    private readonly float* _record;
    private readonly float* _sum;

    /// <param name="task">What to do.</param>
    /// <param name="layout">The layout of weights and biases.</param>
    /// <param name="weights">The weights, packed for the way forward.</param>
    /// <param name="biases">The biases, packed.</param>
    internal ModularGruForward(in ModularGruTask task, in ModularGruLayout layout, float* weights, float* biases)
    {
        (_task, _size, _layout) = (task, task.Size, layout);
        _weights = weights;
        _biases = biases;
        _scratch = new Scratch(layout.Both, layout.Both, layout.Hidden, layout.Hidden, layout.Outputs, layout.RecordLength);
        // What pads vectors to whole registers takes part in products, so it has to be zeros.
        _scratch.Clear();
        _hx = _scratch.Take();
        _reset = _scratch.Take();
        _h = _scratch.Take();
        _sum = _scratch.Take();
        _outputs = _scratch.Take();
        _record = _scratch.Take();
    }

    /// <summary>Runs a row over its whole window.</summary>
    internal void Run(int row)
    {
        int hidden = _size.Hidden;
        ModularGruProducts<L, V>.Copy(_task.Initial is null ? null : _task.Initial + (long)row * hidden, _h, hidden);
        for (int step = 0; step < _size.Steps; step++)
        {
            Step(row, step);
            ModularGruProducts<L, V>.Copy(_h, _task.Trace.States + ((long)row * _size.Steps + step) * hidden, hidden);
        }
    }

    public void Dispose() => _scratch.Dispose();

    private void Step(int row, int step)
    {
        long at = (long)row * _size.Steps + step;
        int hidden = _layout.Hidden;
        float* record = _task.Trace.Record is null ? _record : _task.Trace.Record + at * _layout.RecordLength;
        float* z = record;
        float* r = record + hidden;
        float* candidate = record + 2 * hidden;

        float* x = _task.X + at * _size.Inputs;
        ModularGruProducts<L, V>.Copy(_h, _hx, _size.Hidden);
        ModularGruProducts<L, V>.Copy(x, _hx + _size.Hidden, _size.Inputs);
        ModularGruProducts<L, V>.Copy(x, _reset + _size.Hidden, _size.Inputs);
        ModularGruProducts<L, V>.Forward(_hx, _size.Both, _weights, _biases, _layout.Outputs, _outputs);

        for (int i = 0; i < 2 * hidden; i += L.Count)
        {
            L.Store(record + i, Exponential.Sigmoid<L, V>(L.Load(_outputs + i)));
        }

        for (int i = 0; i < _size.Hidden; i++)
        {
            _reset[i] = r[i] * _h[i];
        }

        if (_size.TopK > 0)
        {
            TopK(row, step, at, record + _layout.Slopes);
        }
        else
        {
            for (int k = 0; k < _size.Choose; k++)
            {
                Choose(row, step, at, k);
            }
        }

        int runs = _size.Runs;
        Candidate(_task.Trace.Indices + at * runs, _task.Trace.Factors is null ? null : _task.Trace.Factors + at * runs, candidate);
        for (int i = 0; i < hidden; i += L.Count)
        {
            V before = L.Load(_h + i);
            V after = L.MultiplyAdd(L.Load(z + i), L.Subtract(L.Load(candidate + i), before), before);
            L.Store(_h + i, after);
        }
    }

    private void Choose(int row, int step, long at, int k)
    {
        long index = at * _size.Choose + k;
        float* logits = LogProbabilities(index, k);
        _task.Trace.Indices[index] =
            row < _task.GivenRows ? _task.Given[index]
            : _task.Uniforms is null ? Mode(logits)
            : Draw(logits, _task.Uniforms[((long)step * _size.Rows + row) * _size.Choose + k]);
    }

    private void TopK(int row, int step, long at, float* slopes)
    {
        float* h = LogProbabilities(at, 0);
        float* deviations = _outputs + _layout.Deviations;
        float* noise = _size.Noisy ? _task.Noise + ((long)step * _size.Rows + row) * _size.Modules : null;
        if (noise is not null)
        {
            ModularGruTopK.Add(noise, deviations, _size.Modules, h);
        }

        long* chosen = _task.Trace.Indices + at * _size.TopK;
        ModularGruTopK.Choose(h, _size.Modules, _size.TopK, chosen, _task.Trace.Factors + at * _size.TopK);
        if (noise is not null)
        {
            new Span<float>(slopes, _layout.RecordLength - _layout.Slopes).Clear();
            ModularGruTopK.Slopes(noise, deviations, chosen, _size.TopK, slopes);
        }
    }

    /// <summary>The log-probabilities of position k. They are also written to the trace, to its place [index, M].</summary>
    private float* LogProbabilities(long index, int k)
    {
        float* logits = _outputs + _layout.Logits(k);
        LogSoftmax(logits);
        ModularGruProducts<L, V>.Copy(logits, _task.Trace.LogProbabilities + index * _size.Modules, _size.Modules);
        return logits;
    }

    private void Candidate(long* chosen, float* factors, float* candidate)
    {
        int hidden = _layout.Hidden;
        new Span<float>(candidate, hidden).Clear();
        for (int k = 0; k < _size.Runs; k++)
        {
            float* output = _size.KeepsOutputs ? candidate + (k + 1) * hidden : _sum;
            if (_size.Once && ModularGruProducts<L, V>.Repeats(chosen, k))
            {
                new Span<float>(output, hidden).Clear();
                continue;
            }

            int m = (int)chosen[k];
            ModularGruProducts<L, V>.Forward(
                _reset, _size.Both, _weights + _layout.ForwardModule(m), _biases + _layout.Module(m), hidden, output);
            V factor = L.Broadcast(factors is null ? 1f : factors[k]);
            for (int i = 0; i < hidden; i += L.Count)
            {
                V own = L.Load(output + i);
                own = _size.ReluInside ? L.Max(own, L.Broadcast(0f)) : own;
                L.Store(output + i, own);
                L.Store(candidate + i, L.MultiplyAdd(factor, own, L.Load(candidate + i)));
            }
        }

        for (int i = 0; i < hidden; i += L.Count)
        {
            L.Store(candidate + i, L.Max(L.Load(candidate + i), L.Broadcast(0f)));
        }
    }

    /// <summary>Turns logits into log-probabilities, in place. The logits that are padding are −∞.</summary>
    private void LogSoftmax(float* logits)
    {
        V max = L.Load(logits);
        for (int i = L.Count; i < _layout.Modules; i += L.Count)
        {
            max = L.Max(max, L.Load(logits + i));
        }

        V greatest = L.Broadcast(L.Greatest(max));
        V sum = L.Broadcast(0f);
        for (int i = 0; i < _layout.Modules; i += L.Count)
        {
            V shifted = L.Subtract(L.Load(logits + i), greatest);
            L.Store(logits + i, shifted);
            sum = L.Add(sum, ModularGruProducts<L, V>.Exp(shifted));
        }

        V logSum = L.Broadcast(MathF.Log(L.Sum(sum)));
        for (int i = 0; i < _layout.Modules; i += L.Count)
        {
            L.Store(logits + i, L.Subtract(L.Load(logits + i), logSum));
        }
    }

    private long Mode(float* logProbabilities)
    {
        int mode = 0;
        for (int m = 1; m < _size.Modules; m++)
        {
            mode = logProbabilities[m] > logProbabilities[mode] ? m : mode;
        }

        return mode;
    }

    /// <summary>The first module at which the running sum of the probabilities exceeds u times their whole sum.</summary>
    private long Draw(float* logProbabilities, float u)
    {
        for (int i = 0; i < _layout.Modules; i += L.Count)
        {
            L.Store(logProbabilities + i, ModularGruProducts<L, V>.Exp(L.Load(logProbabilities + i)));
        }

        double sum = 0;
        for (int m = 0; m < _size.Modules; m++)
        {
            sum += logProbabilities[m];
            logProbabilities[m] = (float)sum;
        }

        float threshold = u * (float)sum;
        int drawn = 0;
        while (drawn < _size.Modules - 1 && logProbabilities[drawn] <= threshold)
        {
            drawn++;
        }

        return drawn;
    }
}
