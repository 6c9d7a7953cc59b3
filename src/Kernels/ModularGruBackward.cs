namespace ModNet.Kernels;

/// <summary>Goes back through rows of a modular GRU, one row after the other, and adds up the gradients of its weights.</summary>
internal sealed unsafe class ModularGruBackward<L, V> : IDisposable
    where L : struct, ILanes<V>
    where V : struct
{
    private readonly ModularGruTask _task;
    private readonly ModularGruSize _size;
    private readonly ModularGruLayout _layout;
    private readonly float* _weights;
    private readonly float* _weightGradient;
    private readonly float* _biasGradient;
    private readonly Scratch _scratch;
    private readonly float* _h;
    private readonly float* _hx;
    private readonly float* _reset;
    private readonly float* _dh;
    private readonly float* _dhx;
    private readonly float* _dReset;
    private readonly float* _dResetH;
    private readonly float* _dCandidate;
    private readonly float* _dOwn;
    private readonly float* _dOutputs;
    private readonly float* _dFactors;
    private readonly float* _probabilities;

    /// <param name="task">What to do.</param>
    /// <param name="layout">Layout of weights and biases.</param>
    /// <param name="weights">Packed backward.</param>
    /// <param name="gradient">What gradients are added to: of weights, packed in the same way, then of biases.</param>
    internal ModularGruBackward(in ModularGruTask task, in ModularGruLayout layout, float* weights, float* gradient)
    {
        (_task, _size, _layout) = (task, task.Size, layout);
        _weights = weights;
        _weightGradient = gradient;
        _biasGradient = gradient + layout.BackwardLength;
        int both = Scratch.RoundUp(layout.Both), hidden = Scratch.RoundUp(layout.Hidden);
        int outputs = Scratch.RoundUp(layout.Outputs), runs = Scratch.RoundUp(task.Size.Runs);
        int length = 4 * both + 5 * hidden + outputs + runs + Scratch.RoundUp(layout.Modules);
        _scratch = new Scratch(length);
        new Span<float>(_scratch.Start, length).Clear();
        _hx = _scratch.Start;
        _reset = _hx + both;
        _dhx = _reset + both;
        _dReset = _dhx + both;
        _h = _dReset + both;
        _dh = _h + hidden;
        _dResetH = _dh + hidden;
        _dCandidate = _dResetH + hidden;
        _dOwn = _dCandidate + hidden;
        _dOutputs = _dOwn + hidden;
        _dFactors = _dOutputs + outputs;
        _probabilities = _dFactors + runs;
        new Span<float>(_probabilities, layout.Modules).Fill(float.NegativeInfinity);
    }

    /// <summary>A row's whole window, from its end.</summary>
    internal void Run(int row)
    {
        new Span<float>(_dh, _layout.Hidden).Clear();
        for (int step = _size.Steps - 1; step >= 0; step--)
        {
            Step(row, step);
        }

        if (_task.Gradients.Initial is not null)
        {
            new Span<float>(_dh, _size.Hidden)
                .CopyTo(new Span<float>(_task.Gradients.Initial + (long)row * _size.Hidden, _size.Hidden));
        }
    }

    public void Dispose() => _scratch.Dispose();

    private void Step(int row, int step)
    {
        long at = (long)row * _size.Steps + step;
        int hidden = _layout.Hidden;
        float* z = _task.Record + at * _layout.RecordLength;
        float* r = z + hidden;
        float* candidate = r + hidden;
        Recall(row, step, at, r);
        if (_task.Gradients.States is not null)
        {
            float* given = _task.Gradients.States + at * _size.Hidden;
            for (int i = 0; i < _size.Hidden; i++)
            {
                _dh[i] += given[i];
            }
        }

        // h' = h + z⊙(candidate − h), z = σ(…), candidate = max(0, …).
        float* dz = _dOutputs;
        for (int i = 0; i < hidden; i += L.Count)
        {
            V d = L.Load(_dh + i), gate = L.Load(z + i), c = L.Load(candidate + i);
            V through = L.Multiply(d, gate);
            V slope = L.Subtract(gate, L.Multiply(gate, gate));
            L.Store(dz + i, L.Multiply(L.Multiply(d, L.Subtract(c, L.Load(_h + i))), slope));
            L.Store(_dCandidate + i, L.WherePositive(c, through));
            L.Store(_dh + i, L.Subtract(d, through));
        }

        int runs = _size.Runs;
        Modules(_task.Indices + at * runs, _task.Factors is null ? null : _task.Factors + at * runs, candidate);

        // r⊙h, r = σ(…).
        new Span<float>(_dReset, _size.Hidden).CopyTo(new Span<float>(_dResetH, _size.Hidden));
        float* dr = _dOutputs + hidden;
        for (int i = 0; i < hidden; i += L.Count)
        {
            V d = L.Load(_dResetH + i), gate = L.Load(r + i);
            V slope = L.Subtract(gate, L.Multiply(gate, gate));
            L.Store(dr + i, L.Multiply(L.Multiply(d, L.Load(_h + i)), slope));
            L.Store(_dh + i, L.MultiplyAdd(d, gate, L.Load(_dh + i)));
        }

        Outputs(at, z + _layout.Slopes);
        for (int i = 0; i < _size.Hidden; i++)
        {
            _dh[i] += _dhx[i];
        }

        float* dx = _task.Gradients.X + at * _size.Inputs;
        for (int i = 0; i < _size.Inputs; i++)
        {
            dx[i] = _dhx[_size.Hidden + i] + _dReset[_size.Hidden + i];
        }
    }

    /// <summary>What the step saw: h, [h, x] and [r⊙h, x].</summary>
    private void Recall(int row, int step, long at, float* r)
    {
        int hidden = _size.Hidden;
        var h = new Span<float>(_h, hidden);
        float* before = step > 0 ? _task.States + (at - 1) * hidden
            : _task.Initial is null ? null
            : _task.Initial + (long)row * hidden;
        if (before is null)
        {
            h.Clear();
        }
        else
        {
            new Span<float>(before, hidden).CopyTo(h);
        }

        var x = new Span<float>(_task.X + at * _size.Inputs, _size.Inputs);
        h.CopyTo(new Span<float>(_hx, hidden));
        x.CopyTo(new Span<float>(_hx + hidden, _size.Inputs));
        x.CopyTo(new Span<float>(_reset + hidden, _size.Inputs));
        for (int i = 0; i < hidden; i++)
        {
            _reset[i] = r[i] * _h[i];
        }
    }

    /// <summary>Through the chosen modules to [r⊙h, x], and to the factors on their outputs.</summary>
    private void Modules(long* chosen, float* factors, float* candidate)
    {
        int hidden = _layout.Hidden;
        new Span<float>(_dReset, _layout.Both).Clear();
        for (int k = 0; k < _size.Runs; k++)
        {
            if (_size.Once && ModularGruProducts<L, V>.Repeats(chosen, k))
            {
                continue;
            }

            float* d = _dCandidate;
            if (_size.KeepsOutputs)
            {
                d = _dOwn;
                _dFactors[k] = Factor(candidate + (k + 1) * hidden, factors is null ? 1f : factors[k]);
            }

            int module = _layout.Module((int)chosen[k]);
            Back(module, d, _size.Hidden, _reset, _dReset);
            ModularGruProducts<L, V>.Add(_biasGradient + module, d, hidden);
        }
    }

    /// <summary>Through a factor and a ReLU inside to a module's own output; returns the factor's derivative.</summary>
    private float Factor(float* output, float factor)
    {
        V times = L.Broadcast(factor), sum = L.Broadcast(0f);
        for (int i = 0; i < _layout.Hidden; i += L.Count)
        {
            V own = L.Load(output + i), d = L.Load(_dCandidate + i), through = L.Multiply(times, d);
            sum = L.MultiplyAdd(own, d, sum);
            L.Store(_dOwn + i, _size.ReluInside ? L.WherePositive(own, through) : through);
        }

        return L.Sum(sum);
    }

    /// <summary>Through gates and controller to [h, x].</summary>
    private void Outputs(long at, float* slopes)
    {
        int hidden = _layout.Hidden;
        new Span<float>(_dhx, _layout.Both).Clear();
        Back(0, _dOutputs, _size.Hidden, _hx, _dhx);
        Back(hidden, _dOutputs + hidden, _size.Hidden, _hx, _dhx);
        float* input = _size.StopGradient ? null : _dhx;
        bool controller = _task.Gradients.LogProbabilities is not null || _size.TopK > 0;
        for (int k = 0; k < _size.Choose && controller; k++)
        {
            int logits = _layout.Logits(k);
            LogProbabilities((at * _size.Choose + k) * _size.Modules, _dOutputs + logits);
            if (_size.TopK > 0)
            {
                TopK(at, slopes, _dOutputs + logits);
            }

            Softmax((at * _size.Choose + k) * _size.Modules, _dOutputs + logits);
            Back(logits, _dOutputs + logits, _size.Modules, _hx, input);
        }

        if (_size.Noisy)
        {
            Back(_layout.Deviations, _dOutputs + _layout.Deviations, _size.Modules, _hx, input);
        }

        ModularGruProducts<L, V>.Add(_biasGradient, _dOutputs, controller ? _layout.Outputs : 2 * hidden);
    }

    /// <summary>What is given of one position's.</summary>
    private void LogProbabilities(long position, float* d)
    {
        var own = new Span<float>(d, _size.Modules);
        if (_task.Gradients.LogProbabilities is null)
        {
            own.Clear();
        }
        else
        {
            new Span<float>(_task.Gradients.LogProbabilities + position, own.Length).CopyTo(own);
        }
    }

    /// <summary>Through the factors to H: to log-probabilities, to which it is added, and to the noise's deviations.</summary>
    private void TopK(long at, float* slopes, float* d)
    {
        int k = _size.TopK;
        if (_task.Gradients.Factors is not null)
        {
            float* given = _task.Gradients.Factors + at * k;
            for (int j = 0; j < k; j++)
            {
                _dFactors[j] += given[j];
            }
        }

        ModularGruTopK.Back(_task.Factors + at * k, k, _dFactors);
        float* deviations = _dOutputs + _layout.Deviations;
        if (_size.Noisy)
        {
            new Span<float>(deviations, _size.Modules).Clear();
        }

        long* chosen = _task.Indices + at * k;
        for (int j = 0; j < k; j++)
        {
            d[chosen[j]] += _dFactors[j];
            if (_size.Noisy)
            {
                deviations[chosen[j]] = _dFactors[j] * slopes[j];
            }
        }
    }

    /// <summary>Of logits, from log-probabilities of one position: d − p·Σd.</summary>
    private void Softmax(long position, float* d)
    {
        int modules = _size.Modules;
        new Span<float>(_task.LogProbabilities + position, modules).CopyTo(new Span<float>(_probabilities, modules));
        V sum = L.Broadcast(0f);
        for (int i = 0; i < _layout.Modules; i += L.Count)
        {
            sum = L.Add(sum, L.Load(d + i));
        }

        // What fills up the last register stays 0 of d, having begun so, because it is −∞ of log-probabilities.
        V total = L.Broadcast(L.Sum(sum));
        for (int i = 0; i < _layout.Modules; i += L.Count)
        {
            V p = ModularGruProducts<L, V>.Exp(L.Load(_probabilities + i));
            L.Store(d + i, L.Subtract(L.Load(d + i), L.Multiply(p, total)));
        }
    }

    private void Back(int first, float* d, int rows, float* input, float* inputGradient) =>
        ModularGruProducts<L, V>.Backward(
            d,
            rows,
            _weights + first * _layout.Both,
            _weightGradient + first * _layout.Both,
            input,
            inputGradient,
            _layout.Both);
}
