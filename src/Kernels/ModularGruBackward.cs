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
        int length = 4 * both + 5 * hidden + Scratch.RoundUp(layout.Outputs) + Scratch.RoundUp(layout.Modules);
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
        _probabilities = _dOutputs + Scratch.RoundUp(layout.Outputs);
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

        Modules(_task.Indices + at * _size.Choose, candidate);

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

        Outputs(at);
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

    /// <summary>Through the chosen modules to [r⊙h, x].</summary>
    private void Modules(long* chosen, float* candidate)
    {
        int hidden = _layout.Hidden;
        new Span<float>(_dReset, _layout.Both).Clear();
        for (int k = 0; k < _size.Choose; k++)
        {
            if (_size.Once && ModularGruProducts<L, V>.Repeats(chosen, k))
            {
                continue;
            }

            float* d = _dCandidate;
            if (_size.KeepsOutputs)
            {
                d = _dOwn;
                for (int i = 0; i < hidden; i += L.Count)
                {
                    L.Store(d + i, L.WherePositive(L.Load(candidate + (k + 1) * hidden + i), L.Load(_dCandidate + i)));
                }
            }

            int module = _layout.Module((int)chosen[k]);
            Back(module, d, _size.Hidden, _reset, _dReset);
            ModularGruProducts<L, V>.Add(_biasGradient + module, d, hidden);
        }
    }

    /// <summary>Through gates and controller to [h, x].</summary>
    private void Outputs(long at)
    {
        int hidden = _layout.Hidden;
        new Span<float>(_dhx, _layout.Both).Clear();
        Back(0, _dOutputs, _size.Hidden, _hx, _dhx);
        Back(hidden, _dOutputs + hidden, _size.Hidden, _hx, _dhx);
        bool controller = _task.Gradients.LogProbabilities is not null;
        for (int k = 0; k < _size.Choose && controller; k++)
        {
            int logits = _layout.Logits(k);
            Softmax((at * _size.Choose + k) * _size.Modules, _dOutputs + logits);
            Back(logits, _dOutputs + logits, _size.Modules, _hx, _size.StopGradient ? null : _dhx);
        }

        ModularGruProducts<L, V>.Add(_biasGradient, _dOutputs, controller ? _layout.Outputs : 2 * hidden);
    }

    /// <summary>Of logits, from log-probabilities of one position: d − p·Σd.</summary>
    private void Softmax(long position, float* d)
    {
        int modules = _size.Modules;
        new Span<float>(_task.Gradients.LogProbabilities + position, modules).CopyTo(new Span<float>(d, modules));
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
