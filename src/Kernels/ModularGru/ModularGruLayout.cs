namespace ModNet.Kernels;

/// <summary>
/// How a modular GRU's weights lie in working memory. Everything that reads [h, x] lies side by side and gives one vector, called the
/// outputs below: z, r, the logits of each position and those of the noise's deviation, each beginning on a register of its own.
/// On the way forward weights are [H + I, outputs], so that a register holds neighbouring outputs; on the way back they are
/// [outputs, H + I], so that it holds neighbouring inputs. The modules' weights follow, each in the same order.
/// </summary>
internal readonly struct ModularGruLayout
{
    private readonly ModularGruSize _size;

    internal ModularGruLayout(in ModularGruSize size, int lanes)
    {
        _size = size;
        Hidden = Scratch.RoundUp(size.Hidden, lanes);
        Both = Scratch.RoundUp(size.Both, lanes);
        Modules = Scratch.RoundUp(size.Modules, lanes);
        Outputs = 2 * Hidden + (size.Choose + (size.Noisy ? 1 : 0)) * Modules;
        Slopes = (3 + (size.KeepsOutputs ? size.Runs : 0)) * Hidden;
        RecordLength = Slopes + (size.Noisy ? Scratch.RoundUp(size.TopK, lanes) : 0);
    }

    /// <summary>H in whole registers.</summary>
    internal int Hidden { get; }

    /// <summary>H + I in whole registers.</summary>
    internal int Both { get; }

    /// <summary>M in whole registers.</summary>
    internal int Modules { get; }

    /// <summary>How many outputs there are: 2·H + K·M, and M where there is noise, each part in whole registers.</summary>
    internal int Outputs { get; }

    /// <summary>
    /// How many numbers one step of one row leaves for the way back: z, r, the candidate and, where needed, the chosen modules' outputs
    /// and the slopes of the noise.
    /// </summary>
    internal int RecordLength { get; }

    /// <summary>Where in a record the slopes of the noise begin: dH/d(W_noise·[h, x]) of the chosen modules.</summary>
    internal int Slopes { get; }

    /// <summary>How many biases there are: those of the outputs, then those of each module.</summary>
    internal int BiasLength => Outputs + _size.Modules * Hidden;

    /// <summary>How many numbers the weights take on the way forward.</summary>
    internal int ForwardLength => _size.Both * BiasLength;

    /// <summary>How many numbers the weights take on the way back.</summary>
    internal int BackwardLength => BiasLength * Both;

    /// <summary>Where module m begins among the biases, and, times <see cref="Both"/>, among the backward weights.</summary>
    internal int Module(int m) => Outputs + m * Hidden;

    /// <summary>Where module m begins among the forward weights.</summary>
    internal int ForwardModule(int m) => _size.Both * Module(m);

    /// <summary>Where the logits of position k begin among the outputs.</summary>
    internal int Logits(int k) => 2 * Hidden + k * Modules;

    /// <summary>Where W_noise·[h, x] begins among the outputs.</summary>
    internal int Deviations => Logits(_size.Choose);

    /// <summary>
    /// Lays out the biases. Those that pad a position's logits are −∞, which makes them modules of probability 0. Deviations have no bias.
    /// </summary>
    internal unsafe void PackBias(in ModularGruWeightPointers from, float* bias)
    {
        new Span<float>(bias, BiasLength).Clear();
        new Span<float>(bias + 2 * Hidden, _size.Choose * Modules).Fill(float.NegativeInfinity);
        foreach (Part part in Parts(from))
        {
            if (part.Bias is not null)
            {
                new Span<float>(part.Bias, part.Rows).CopyTo(new Span<float>(bias + part.To, part.Rows));
            }
        }
    }

    /// <summary>Lays out the weights for the way forward.</summary>
    internal unsafe void PackForward(in ModularGruWeightPointers from, float* weights)
    {
        new Span<float>(weights, ForwardLength).Clear();
        int inputs = _size.Both;
        foreach (Part part in Parts(from))
        {
            (int start, int stride) = part.To < Outputs ? (part.To, Outputs) : (inputs * part.To, Hidden);
            for (int row = 0; row < part.Rows; row++)
            {
                for (int i = 0; i < inputs; i++)
                {
                    weights[start + i * stride + row] = part.Weight[row * inputs + i];
                }
            }
        }
    }

    /// <summary>Lays out the weights for the way back.</summary>
    internal unsafe void PackBackward(in ModularGruWeightPointers from, float* weights)
    {
        new Span<float>(weights, BackwardLength).Clear();
        int inputs = _size.Both;
        foreach (Part part in Parts(from))
        {
            for (int row = 0; row < part.Rows; row++)
            {
                new Span<float>(part.Weight + row * inputs, inputs).CopyTo(new Span<float>(weights + (part.To + row) * Both, inputs));
            }
        }
    }

    /// <summary>
    /// Adds up the gradients of several threads, in order. Each thread has a block of its own: backward weights, then biases.
    /// </summary>
    internal unsafe void Unpack(float* blocks, int count, in ModularGruWeightPointers gradients)
    {
        int inputs = _size.Both;
        foreach (Part part in Parts(gradients))
        {
            for (int row = 0; row < part.Rows && part.Weight is not null; row++)
            {
                Sum(blocks + (part.To + row) * Both, count, part.Weight + (long)row * inputs, inputs);
            }

            if (part.Bias is not null)
            {
                Sum(blocks + BackwardLength + part.To, count, part.Bias, part.Rows);
            }
        }
    }

    private unsafe void Sum(float* source, int count, float* destination, int length)
    {
        int stride = BackwardLength + BiasLength;
        for (int i = 0; i < length; i++)
        {
            float sum = source[i];
            for (int block = 1; block < count; block++)
            {
                sum += source[block * (long)stride + i];
            }

            destination[i] = sum;
        }
    }

    // All parts of these weights, in the order in which they are laid out.
    private unsafe Part[] Parts(in ModularGruWeightPointers of)
    {
        List<Part> parts = [];
        parts.Add(PartOf(of.Gate, of.GateBias, 0, 0, _size.Hidden));
        parts.Add(PartOf(of.Gate, of.GateBias, _size.Hidden, Hidden, _size.Hidden));
        for (int k = 0; k < _size.Choose; k++)
        {
            parts.Add(PartOf(of.Controller, of.ControllerBias, k * _size.Modules, Logits(k), _size.Modules));
        }

        if (_size.Noisy)
        {
            parts.Add(PartOf(of.Noise, null, 0, Deviations, _size.Modules));
        }

        for (int m = 0; m < _size.Modules; m++)
        {
            parts.Add(PartOf(of.Module, of.ModuleBias, m * _size.Hidden, Module(m), _size.Hidden));
        }

        return [.. parts];
    }

    private unsafe Part PartOf(float* weight, float* bias, int from, int to, int rows) => new()
    {
        Weight = weight is null ? null : weight + (long)from * _size.Both,
        Bias = bias is null ? null : bias + from,
        To = to,
        Rows = rows,
    };

    // Rows of a weight matrix that stay together, with their biases, and the row of the layout that they begin at. A pointer is null
    // where there are none.
    private readonly unsafe struct Part
    {
        internal float* Weight { get; init; }
        internal float* Bias { get; init; }
        internal int To { get; init; }
        internal int Rows { get; init; }
    }
}
