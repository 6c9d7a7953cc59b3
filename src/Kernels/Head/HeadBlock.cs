namespace ModNet.Kernels;

/// <summary>
/// One thread's share of a head: it takes a block of datapoints at a time. Logits are in bits (log₂e times the nats). From each
/// datapoint's logits an offset is taken off, the logit of its target, so that exponentials can be summed without seeking the greatest
/// logit first. Where their sum then leaves [<see cref="Least"/>, <see cref="Greatest"/>], because the target is less likely than
/// 2^−96, say, the datapoint is done again with its greatest logit as offset.
/// </summary>
internal sealed unsafe class HeadBlock<L, V> : IDisposable
    where L : struct, ILanes<V>
    where V : struct
{
    private const double NatsPerBit = 0.6931471805599453;

    /// <summary>2^96. The gradients' factors are divided by the sum; with a greater one they could leave float32's range.</summary>
    private const double Greatest = (double)(1UL << 48) * (1UL << 48);

    /// <summary>2^−96, for the same reason.</summary>
    private const double Least = 1 / Greatest;

    // Half of a usual first-level cache, so that the panels of a step stay there while all of the block's datapoints use them.
    private const int StepBytes = 16 * 1024;

    // With fewer panels, fetching and storing a tile of the hidden gradient would cost too much beside its products.
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
    /// <param name="layout">The layout of the panels.</param>
    /// <param name="panels">The packed weights.</param>
    /// <param name="weightGradient">The panels that gradients are added to, or null.</param>
    /// <param name="rows">Datapoints in a block, a multiple of <see cref="HeadLayout.TileRows"/>.</param>
    internal HeadBlock(in HeadTask task, in HeadLayout layout, float* panels, float* weightGradient, int rows)
    {
        _task = task;
        _layout = layout;
        _panels = panels;
        _weightGradient = weightGradient;
        _rows = rows;
        _hiddenTiles = (layout.Hidden + HeadLayout.HiddenTile - 1) / HeadLayout.HiddenTile;
        _step = Math.Max(1, StepBytes / (sizeof(float) * layout.PanelLength));
        _chunk = Math.Max(_step, ChunkPanels);
        _targetLogits = new float[rows];
        _totals = new double[rows];
        _strayed = new bool[rows];
        _marked = new bool[rows / Tile];

        bool gradients = task.WantsGradients;
        _stride = (gradients ? rows : Tile) * layout.Width;
        _scratch = new Scratch(
            gradients ? (long)layout.Panels * _stride : _step * _stride,
            gradients ? rows * _hiddenTiles * HeadLayout.HiddenTile * L.Count : 0,
            rows * layout.Hidden,
            gradients ? rows * layout.Rows : 0,
            rows);
        _e = _scratch.Take();
        _hiddenGradient = _scratch.Take();
        _x = _scratch.Take();
        _factors = _scratch.Take();
        _offsets = _scratch.Take();
    }

    /// <summary>
    /// How many datapoints a block has. Where gradients are wanted, a block keeps its exponentials (rows × vocabulary) until their sums
    /// are known, at best in the second-level cache, which asks for few rows. But all rows of a block share the cost of reading the
    /// weights, and the more hidden units there are, the higher that cost is.
    /// </summary>
    internal static int Rows(in HeadTask task) =>
        task.WantsGradients ? Scratch.RoundUp(Math.Clamp(task.Hidden, 12, 48), Tile) : 48;

    /// <summary>Works through a block of datapoints from <paramref name="first"/> on, or through as many as are left.</summary>
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
            AddGradients(first, count);
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
            float logit = _task.Bias[target] * Exponential.BitsPerNat;
            for (int k = 0; k < hidden; k++)
            {
                float value = source[k] * Exponential.BitsPerNat;
                x[k * Tile] = value;
                logit = float.MultiplyAddEstimate(value, weight[k], logit);
            }

            _targetLogits[n] = logit;
            _offsets[n] = _task.SumsAreKnown ? _task.LogSumExp[first + n] * Exponential.BitsPerNat : logit;
        }
    }

    /// <summary>Computes the exponentials of marked tiles, their sums and, where gradients are wanted, Σ_v e_v·W_v.</summary>
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
    /// Where a tile's exponentials lie from panel <paramref name="start"/> on. They are kept, each in a place of its own, only where
    /// gradients need them.
    /// </summary>
    private float* Place(int start, int tile) =>
        _task.WantsGradients ? _e + (long)start * _stride + tile * Tile * _layout.Width : _e;

    /// <summary>Does those datapoints again, with their greatest logit as offset, whose sum left the range or is NaN.</summary>
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
            float* x = _x + tile * Tile * _layout.Hidden, y = Place(start, tile);
            HeadTiles<L, V>.Logits(_layout, panels, _panels + (long)start * _layout.PanelLength, x, _offsets + tile * Tile, y, _stride);
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

    /// <summary>
    /// Adds a block's gradients. In the logits the gradient is g·(onehot − p), with g the row's weight and p = e/total. The part with
    /// p comes from the exponentials of all classes; the onehot part touches the target's weights alone.
    /// </summary>
    private void AddGradients(int first, int count)
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
            float* gradient = _weightGradient + _layout.Offset((int)_task.Targets[first + n]);
            for (int k = 0; k < hidden; k++)
            {
                gradient[k * width] += weight * x[k];
            }

            gradient[hidden * width] += weight;
        }
    }
}
