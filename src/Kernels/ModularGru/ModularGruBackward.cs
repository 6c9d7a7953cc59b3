namespace ModNet.Kernels;

/// <summary>
/// One thread's share of the way back through a modular GRU: goes through rows, one after the other, and adds up the gradients of the
/// weights. A name that begins with d is the loss's derivative in what the rest of the name says.
/// </summary>
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
    /// <param name="layout">The layout of weights and biases.</param>
    /// <param name="weights">The weights, packed for the way back.</param>
    /// <param name="gradient">The gradients to add to: those of the weights, packed in the same way, then those of the biases.</param>
    internal ModularGruBackward(in ModularGruTask task, in ModularGruLayout layout, float* weights, float* gradient)
    {
        (_task, _size, _layout) = (task, task.Size, layout);
        _weights = weights;
        _weightGradient = gradient;
        _biasGradient = gradient + layout.BackwardLength;
        int both = layout.Both, hidden = layout.Hidden;
        _scratch = new Scratch(
            both, both, both, both, hidden, hidden, hidden, hidden, hidden, layout.Outputs, task.Size.Runs, layout.Modules);
        // What pads vectors to whole registers takes part in products, so it has to be zeros.
        _scratch.Clear();
        _hx = _scratch.Take();
        _reset = _scratch.Take();
        _dhx = _scratch.Take();
        _dReset = _scratch.Take();
        _h = _scratch.Take();
        _dh = _scratch.Take();
        _dResetH = _scratch.Take();
        _dCandidate = _scratch.Take();
        _dOwn = _scratch.Take();
        _dOutputs = _scratch.Take();
        _dFactors = _scratch.Take();
        _probabilities = _scratch.Take();
        new Span<float>(_probabilities, layout.Modules).Fill(float.NegativeInfinity);
    }

    /// <summary>Goes back through a row's whole window.</summary>
    internal void Run(int row)
    {
        new Span<float>(_dh, _layout.Hidden).Clear();
        for (int step = _size.Steps - 1; step >= 0; step--)
        {
            Step(row, step);
        }

        if (_task.InitialGradient is not null)
        {
            ModularGruProducts<L, V>.Copy(_dh, _task.InitialGradient + (long)row * _size.Hidden, _size.Hidden);
        }
    }

    public void Dispose() => _scratch.Dispose();

    private void Step(int row, int step)
    {
        long at = (long)row * _size.Steps + step;
        int hidden = _layout.Hidden;
        float* z = _task.Trace.Record + at * _layout.RecordLength;
        float* r = z + hidden;
        float* candidate = r + hidden;
        Recall(row, step, at, r);
        if (_task.TraceGradient.States is not null)
        {
            float* given = _task.TraceGradient.States + at * _size.Hidden;
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
        Modules(_task.Trace.Indices + at * runs, _task.Trace.Factors is null ? null : _task.Trace.Factors + at * runs, candidate);

        // r⊙h, r = σ(…).
        ModularGruProducts<L, V>.Copy(_dReset, _dResetH, _size.Hidden);
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

        float* dx = _task.XGradient + at * _size.Inputs;
        for (int i = 0; i < _size.Inputs; i++)
        {
            dx[i] = _dhx[_size.Hidden + i] + _dReset[_size.Hidden + i];
        }
    }

    /// <summary>Restores what the step read: h, [h, x] and [r⊙h, x].</summary>
    private void Recall(int row, int step, long at, float* r)
    {
        int hidden = _size.Hidden;
        float* before = step > 0 ? _task.Trace.States + (at - 1) * hidden
            : _task.Initial is null ? null
            : _task.Initial + (long)row * hidden;
        float* x = _task.X + at * _size.Inputs;
        ModularGruProducts<L, V>.Copy(before, _h, hidden);
        ModularGruProducts<L, V>.Copy(before, _hx, hidden);
        ModularGruProducts<L, V>.Copy(x, _hx + hidden, _size.Inputs);
        ModularGruProducts<L, V>.Copy(x, _reset + hidden, _size.Inputs);
        for (int i = 0; i < hidden; i++)
        {
            _reset[i] = r[i] * _h[i];
        }
    }

    /// <summary>Goes back through the chosen modules: to [r⊙h, x], and to the factors on their outputs.</summary>
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

    /// <summary>Goes back through a factor and a module's own ReLU to the module's output. Returns the derivative in the factor.</summary>
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

    /// <summary>Goes back through z, r and the controller to [h, x].</summary>
    private void Outputs(long at, float* slopes)
    {
        int hidden = _layout.Hidden;
        new Span<float>(_dhx, _layout.Both).Clear();
        Back(0, _dOutputs, _size.Hidden, _hx, _dhx);
        Back(hidden, _dOutputs + hidden, _size.Hidden, _hx, _dhx);
        float* input = _size.StopGradient ? null : _dhx;
        bool controller = _task.TraceGradient.LogProbabilities is not null || _size.TopK > 0;
        for (int k = 0; k < _size.Choose && controller; k++)
        {
            int logits = _layout.Logits(k);
            long position = (at * _size.Choose + k) * _size.Modules;
            float* given = _task.TraceGradient.LogProbabilities;
            ModularGruProducts<L, V>.Copy(given is null ? null : given + position, _dOutputs + logits, _size.Modules);
            if (_size.TopK > 0)
            {
                TopK(at, slopes, _dOutputs + logits);
            }

            Softmax(position, _dOutputs + logits);
            Back(logits, _dOutputs + logits, _size.Modules, _hx, input);
        }

        if (_size.Noisy)
        {
            Back(_layout.Deviations, _dOutputs + _layout.Deviations, _size.Modules, _hx, input);
        }

        ModularGruProducts<L, V>.Add(_biasGradient, _dOutputs, controller ? _layout.Outputs : 2 * hidden);
    }

    /// <summary>
    /// Goes back through the factors and H: adds to the derivatives d in log-probabilities, and sets those in the noise's deviations.
    /// </summary>
    private void TopK(long at, float* slopes, float* d)
    {
        int k = _size.TopK;
        if (_task.TraceGradient.Factors is not null)
        {
            float* given = _task.TraceGradient.Factors + at * k;
            for (int j = 0; j < k; j++)
            {
                _dFactors[j] += given[j];
            }
        }

        ModularGruTopK.Back(_task.Trace.Factors + at * k, k, _dFactors);
        float* deviations = _dOutputs + _layout.Deviations;
        if (_size.Noisy)
        {
            new Span<float>(deviations, _size.Modules).Clear();
        }

        long* chosen = _task.Trace.Indices + at * k;
        for (int j = 0; j < k; j++)
        {
            d[chosen[j]] += _dFactors[j];
            if (_size.Noisy)
            {
                deviations[chosen[j]] = _dFactors[j] * slopes[j];
            }
        }
    }

    /// <summary>Turns derivatives d in one position's log-probabilities into those in its logits: d − p·Σd.</summary>
    private void Softmax(long position, float* d)
    {
        ModularGruProducts<L, V>.Copy(_task.Trace.LogProbabilities + position, _probabilities, _size.Modules);
        V sum = L.Broadcast(0f);
        for (int i = 0; i < _layout.Modules; i += L.Count)
        {
            sum = L.Add(sum, L.Load(d + i));
        }

        // What pads the last register is 0 in d and stays so, because the log-probability there is −∞.
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
