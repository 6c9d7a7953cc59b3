namespace ModNet.Kernels;

/// <summary>
/// Works through a head a block of datapoints at a time. Logits are in bits (log₂e times the nats). Each datapoint's are
/// counted from an offset, its target's logit, so that no maximum has to be sought before exponentials can be
/// summed. Where their sum then leaves [<see cref="Least"/>, <see cref="Greatest"/>] (the target is less likely than
/// 2^−96, say), the datapoint is done again from its true maximum.
/// </summary>
internal sealed unsafe class HeadBlock<L, V> : IDisposable
    where L : struct, ILanes<V>
    where V : struct
{
    /// <summary>log₂e.</summary>
    internal const float BitsPerNat = 1.4426950408889634f;

    private const double NatsPerBit = 0.6931471805599453;

    /// <summary>2^96: with a greater sum the gradients' factors, which have it as divisor, could leave float32's range.</summary>
    private const double Greatest = (double)(1UL << 48) * (1UL << 48);

    /// <summary>2^−96, likewise.</summary>
    private const double Least = 1 / Greatest;

    // Half of a usual first-level cache: a step's panels stay there while the datapoints pass over them.
    private const int StepBytes = 16 * 1024;

    // So many panels make it worth while to fetch and store a tile of the hidden gradient.
    private const int ChunkPanels = 4;

    private const int Tile = HeadLayout.TileRows;

    private readonly HeadTask _task;
    private readonly HeadLayout _layout;
    private readonly float* _panels;
    private readonly float* _weightGradient;
    private readonly int _rows;
    private readonly int _hiddenTiles;
    private readonly int _step;
    private readonly int _chunk;
    private readonly Scratch _scratch;
    private readonly float* _x;
    private readonly float* _factors;
    private readonly float* _offsets;
    private readonly float* _hiddenGradient;
    private readonly float* _e;
    private readonly int _stride;
    private readonly float[] _targetLogits;
    private readonly double[] _totals;
    private readonly bool[] _strayed;
    private readonly bool[] _marked;

    /// <param name="task">What to do.</param>
    /// <param name="layout">Layout of the panels.</param>
    /// <param name="panels">The packed weights.</param>
    /// <param name="weightGradient">Panels that gradients are added to, or null.</param>
    /// <param name="rows">Datapoints in a block, a multiple of a tile's.</param>
    internal HeadBlock(
        in HeadTask task, in HeadLayout layout, float* panels, float* weightGradient, int rows)
    {
        _task = task;
        _layout = layout;
        _panels = panels;
        _weightGradient = weightGradient;
        _rows = rows;
        _hiddenTiles = HeadLayout.RoundUp(layout.Hidden, HeadLayout.HiddenTile) / HeadLayout.HiddenTile;
        _step = Math.Max(1, StepBytes / (sizeof(float) * layout.PanelLength));
        _chunk = Math.Max(_step, ChunkPanels);
        _targetLogits = new float[rows];
        _totals = new double[rows];
        _strayed = new bool[rows];
        _marked = new bool[rows / Tile];

        bool gradients = task.WantsGradients;
        int hiddenGradient = gradients ? rows * _hiddenTiles * HeadLayout.HiddenTile * L.Count : 0;
        long e = gradients ? (long)layout.Panels * rows * layout.Width : _step * Tile * layout.Width;
        int x = Scratch.RoundUp(rows * layout.Hidden);
        int factors = gradients ? Scratch.RoundUp(rows * layout.Rows) : 0;
        int offsets = Scratch.RoundUp(rows);
        _stride = (gradients ? rows : Tile) * layout.Width;
        _scratch = new Scratch(e + hiddenGradient + x + factors + offsets);
        _e = _scratch.Start;
        _hiddenGradient = _e + e;
        _x = _hiddenGradient + hiddenGradient;
        _factors = _x + x;
        _offsets = _factors + factors;
    }

    /// <summary>
    /// Datapoints in a block. Where gradients are asked for, a block's exponentials (rows × vocabulary) are kept until its
    /// sums are known, in the second-level cache at best; but the more hidden units, the more the weights' traffic costs, and
    /// the more rows have to share it.
    /// </summary>
    internal static int Rows(in HeadTask task) =>
        task.WantsGradients ? HeadLayout.RoundUp(Math.Clamp(task.Hidden, 12, 48), Tile) : 48;

    /// <summary>Does the datapoints from <paramref name="first"/> on: a block of them, or as many as there are.</summary>
    internal void Run(int first)
    {
        int count = Math.Min(_rows, _task.Count - first);
        int tiles = (count + Tile - 1) / Tile;
        Load(first, count, tiles);
        Sweep(tiles);
        if (!_task.SumsAreKnown)
        {
            Recentre(count, tiles);
            Report(first, count);
        }

        if (_task.WantsGradients)
        {
            AddGradients(first, count, tiles);
        }
    }

    public void Dispose() => _scratch.Dispose();

    private void Load(int first, int count, int tiles)
    {
        int hidden = _layout.Hidden;
        Array.Fill(_marked, true);
        for (int n = 0; n < tiles * Tile; n++)
        {
            float* x = _x + n / Tile * Tile * hidden + n % Tile;
            if (n >= count)
            {
                for (int k = 0; k < hidden; k++)
                {
                    x[k * Tile] = 0f;
                }

                _offsets[n] = 0f;
                continue;
            }

            float* source = _task.X + (long)(first + n) * hidden;
            long target = _task.Targets[first + n];
            float* weight = _task.Weight + target * hidden;
            float logit = _task.Bias[target] * BitsPerNat;
            for (int k = 0; k < hidden; k++)
            {
                float value = source[k] * BitsPerNat;
                x[k * Tile] = value;
                logit = float.MultiplyAddEstimate(value, weight[k], logit);
            }

            _targetLogits[n] = logit;
            _offsets[n] = _task.SumsAreKnown ? _task.LogSumExp[first + n] * BitsPerNat : logit;
        }
    }

    /// <summary>Exponentials and their sums and, if gradients are asked for, Σ_v e_v·W_v, of tiles that are marked.</summary>
    private void Sweep(int tiles)
    {
        int hiddenLength = Tile * HeadLayout.HiddenTile * L.Count;
        bool gradients = _task.WantsGradients;
        for (int tile = 0; tile < tiles; tile++)
        {
            if (_marked[tile])
            {
                Array.Clear(_totals, tile * Tile, Tile);
                if (gradients)
                {
                    int length = _hiddenTiles * hiddenLength;
                    new Span<float>(_hiddenGradient + tile * length, length).Clear();
                }
            }
        }

        for (int start = 0; start < _layout.Panels; start += _chunk)
        {
            int end = Math.Min(start + _chunk, _layout.Panels);
            for (int step = start; step < end; step += _step)
            {
                for (int tile = 0; tile < tiles; tile++)
                {
                    if (_marked[tile])
                    {
                        SumExponentials(step, Math.Min(_step, end - step), tile);
                    }
                }
            }

            for (int part = 0; gradients && part < _hiddenTiles; part++)
            {
                float* panel = _panels + (long)start * _layout.PanelLength + part * HeadLayout.HiddenTile * _layout.Width;
                for (int tile = 0; tile < tiles; tile++)
                {
                    if (_marked[tile])
                    {
                        float* gradient = _hiddenGradient + (tile * _hiddenTiles + part) * hiddenLength;
                        HeadTiles<L, V>.HiddenGradient(_layout, end - start, panel, Place(start, tile), _stride, gradient);
                    }
                }
            }
        }
    }

    private void SumExponentials(int start, int panels, int tile)
    {
        float* sums = stackalloc float[Tile];
        HeadTiles<L, V>.Exponentials(
            _layout,
            panels,
            _panels + (long)start * _layout.PanelLength,
            _x + tile * Tile * _layout.Hidden,
            _offsets + tile * Tile,
            _task.WantsGradients ? Place(start, tile) : null,
            _stride,
            sums);
        for (int row = 0; row < Tile; row++)
        {
            _totals[tile * Tile + row] += sums[row];
        }
    }

    /// <summary>
    /// Where a tile's exponentials lie, from panel <paramref name="start"/> on: where gradients are asked for, each in a place
    /// of its own; else all in one.
    /// </summary>
    private float* Place(int start, int tile) =>
        _task.WantsGradients ? _e + (long)start * _stride + tile * Tile * _layout.Width : _e;

    /// <summary>A tile's logits, less offsets, over panels [start, start + panels), in their place.</summary>
    private float* Logits(int start, int panels, int tile)
    {
        float* y = Place(start, tile);
        HeadTiles<L, V>.Logits(
            _layout,
            panels,
            _panels + (long)start * _layout.PanelLength,
            _x + tile * Tile * _layout.Hidden,
            _offsets + tile * Tile,
            y,
            _stride);
        return y;
    }

    /// <summary>Does again, from their greatest logit, the datapoints whose sum left the range or is no number.</summary>
    private void Recentre(int count, int tiles)
    {
        bool any = false;
        for (int tile = 0; tile < tiles; tile++)
        {
            _marked[tile] = false;
            for (int n = tile * Tile; n < (tile + 1) * Tile; n++)
            {
                _strayed[n] = n < count && !(_totals[n] >= Least && _totals[n] <= Greatest);
                _marked[tile] |= _strayed[n];
            }

            if (_marked[tile])
            {
                any = true;
                RecentreTile(tile);
            }
        }

        if (any)
        {
            Sweep(tiles);
            for (int n = 0; n < count; n++)
            {
                if (!float.IsFinite(_offsets[n]))
                {
                    _totals[n] = double.NaN;
                }
            }
        }
    }

    private void RecentreTile(int tile)
    {
        Span<float> greatest = [float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity];
        Span<float> offsets = new(_offsets + tile * Tile, Tile);
        Span<bool> strayed = _strayed.AsSpan(tile * Tile, Tile);
        for (int row = 0; row < Tile; row++)
        {
            offsets[row] = strayed[row] ? 0f : offsets[row];
        }

        for (int start = 0; start < _layout.Panels; start += _step)
        {
            int panels = Math.Min(_step, _layout.Panels - start);
            float* y = Logits(start, panels, tile);
            for (int row = 0; row < Tile; row++)
            {
                greatest[row] = MathF.Max(greatest[row], HeadTiles<L, V>.Greatest(panels, y + row * _layout.Width, _stride));
            }
        }

        for (int row = 0; row < Tile; row++)
        {
            if (strayed[row])
            {
                offsets[row] = greatest[row];
            }
        }
    }

    private void Report(int first, int count)
    {
        for (int n = 0; n < count; n++)
        {
            double sum = Math.Log2(_totals[n]);
            if (_task.LogLikelihood != null)
            {
                _task.LogLikelihood[first + n] = (float)(NatsPerBit * ((double)_targetLogits[n] - _offsets[n] - sum));
            }

            if (_task.LogSumExp != null)
            {
                _task.LogSumExp[first + n] = (float)(NatsPerBit * (_offsets[n] + sum));
            }
        }
    }

    /// <summary>With p = e/total and g the row's weight, the gradient in the logits is g·(onehot − p).</summary>
    private void AddGradients(int first, int count, int tiles)
    {
        int hidden = _layout.Hidden;
        int width = _layout.Width;
        for (int n = 0; n < count; n++)
        {
            float weight = _task.RowWeight[first + n];
            double total = !_task.SumsAreKnown ? _totals[n] : float.IsFinite(_offsets[n]) ? 1.0 : double.NaN;
            float share = (float)(weight / total);
            float* factors = _factors + n * _layout.Rows;
            float* x = _task.X + (long)(first + n) * hidden;
            float* targetWeight = _task.Weight + _task.Targets[first + n] * hidden;
            float* gradient = _task.HiddenGradient + (long)(first + n) * hidden;
            for (int k = 0; k < hidden; k++)
            {
                int tile = n / Tile * _hiddenTiles + k / HeadLayout.HiddenTile;
                int place = (tile * Tile + n % Tile) * HeadLayout.HiddenTile + k % HeadLayout.HiddenTile;
                gradient[k] = weight * targetWeight[k] - share * L.Sum(L.Load(_hiddenGradient + place * L.Count));
                factors[k] = -share * x[k];
            }

            factors[hidden] = -share;
        }

        for (int panel = 0; panel < _layout.Panels; panel++)
        {
            HeadTiles<L, V>.WeightGradient(
                _layout, count, _factors, _e + (long)panel * _stride, _weightGradient + (long)panel * _layout.PanelLength);
        }

        for (int n = 0; n < count; n++)
        {
            float weight = _task.RowWeight[first + n];
            float* x = _task.X + (long)(first + n) * hidden;
            float* gradient = _weightGradient + _layout.Offset((int)_task.Targets[first + n], 0);
            for (int k = 0; k < hidden; k++)
            {
                gradient[k * width] += weight * x[k];
            }

            gradient[hidden * width] += weight;
        }
    }
}
