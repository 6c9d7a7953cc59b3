namespace ModNet.Kernels;

/// <summary>
/// How a modular GRU's weights lie in working memory. What reads [h, x] lies side by side, one vector of outputs: z, r, the
/// logits of each position and those of the noise's deviation, each beginning on a register of its own ("outputs" below). Forward, weights are [H + I, outputs], so that a
/// register holds neighbouring outputs; backward [outputs, H + I], so that it holds neighbouring inputs. Modules follow, each in the same way.
/// </summary>
internal readonly struct ModularGruLayout
{
    private readonly ModularGruSize _size;

    internal ModularGruLayout(in ModularGruSize size, int lanes)
    {
        _size = size;
        Hidden = RoundUp(size.Hidden, lanes);
        Both = RoundUp(size.Both, lanes);
        Modules = RoundUp(size.Modules, lanes);
        Outputs = 2 * Hidden + (size.Choose + (size.Noisy ? 1 : 0)) * Modules;
        Slopes = (3 + (size.KeepsOutputs ? size.Runs : 0)) * Hidden;
        RecordLength = Slopes + (size.Noisy ? RoundUp(size.TopK, lanes) : 0);
    }

    /// <summary>H in whole registers.</summary>
    internal int Hidden { get; }

    /// <summary>H + I in whole registers.</summary>
    internal int Both { get; }

    /// <summary>M in whole registers.</summary>
    internal int Modules { get; }

    /// <summary>2·H + K·M, and M where there is noise, each part in whole registers.</summary>
    internal int Outputs { get; }

    /// <summary>
    /// Floats that one row and step leaves for the way back: z, r, candidate, and where needed the chosen modules' outputs and what
    /// noise adds to H.
    /// </summary>
    internal int RecordLength { get; }

    /// <summary>Where in a record dH/d(W_noise·[h, x]) of the chosen modules begins, where there is noise.</summary>
    internal int Slopes { get; }

    /// <summary>Biases: of the outputs, then of each module.</summary>
    internal int BiasLength => Outputs + _size.Modules * Hidden;

    /// <summary>Weights, forward.</summary>
    internal int ForwardLength => _size.Both * BiasLength;

    /// <summary>Weights, backward.</summary>
    internal int BackwardLength => BiasLength * Both;

    /// <summary>Where module m begins among the biases; times <see cref="Both"/>, among the backward weights.</summary>
    internal int Module(int m) => Outputs + m * Hidden;

    /// <summary>Where module m begins among the forward weights.</summary>
    internal int ForwardModule(int m) => _size.Both * Module(m);

    /// <summary>Where the logits of position k begin among the outputs.</summary>
    internal int Logits(int k) => 2 * Hidden + k * Modules;

    /// <summary>Where W_noise·[h, x] begins among the outputs.</summary>
    internal int Deviations => Logits(_size.Choose);

    /// <summary>Biases. Those that fill up a position's logits are −∞: modules of probability 0. Deviations have none.</summary>
    internal unsafe void PackBias(in ModularGruTask task, float* bias)
    {
        new Span<float>(bias, BiasLength).Clear();
        new Span<float>(bias + 2 * Hidden, _size.Choose * Modules).Fill(float.NegativeInfinity);
        foreach (Part part in Parts())
        {
            float* source = Bias(part, task.GateBias, task.ControllerBias, task.ModuleBias);
            if (source is not null)
            {
                new Span<float>(source + part.From, part.Rows).CopyTo(new Span<float>(bias + part.To, part.Rows));
            }
        }
    }

    internal unsafe void PackForward(in ModularGruTask task, float* weights)
    {
        new Span<float>(weights, ForwardLength).Clear();
        int inputs = _size.Both;
        foreach (Part part in Parts())
        {
            float* source = Weight(part, task.GateWeight, task.ControllerWeight, task.NoiseWeight, task.ModuleWeight)
                + (long)part.From * inputs;
            (int start, int stride) = part.To < Outputs ? (part.To, Outputs) : (inputs * part.To, Hidden);
            for (int row = 0; row < part.Rows; row++)
            {
                for (int i = 0; i < inputs; i++)
                {
                    weights[start + i * stride + row] = source[row * inputs + i];
                }
            }
        }
    }

    internal unsafe void PackBackward(in ModularGruTask task, float* weights)
    {
        new Span<float>(weights, BackwardLength).Clear();
        int inputs = _size.Both;
        foreach (Part part in Parts())
        {
            float* source = Weight(part, task.GateWeight, task.ControllerWeight, task.NoiseWeight, task.ModuleWeight)
                + (long)part.From * inputs;
            for (int row = 0; row < part.Rows; row++)
            {
                new Span<float>(source + row * inputs, inputs).CopyTo(new Span<float>(weights + (part.To + row) * Both, inputs));
            }
        }
    }

    /// <summary>Adds the gradients of several threads up, in order: a block per thread, backward weights and then biases.</summary>
    internal unsafe void Unpack(float* blocks, int count, in ModularGruGradients gradients)
    {
        int inputs = _size.Both;
        foreach (Part part in Parts())
        {
            float* weight = Weight(
                part, gradients.GateWeight, gradients.ControllerWeight, gradients.NoiseWeight, gradients.ModuleWeight);
            float* bias = Bias(part, gradients.GateBias, gradients.ControllerBias, gradients.ModuleBias);
            for (int row = 0; row < part.Rows && weight is not null; row++)
            {
                Sum(blocks + (part.To + row) * Both, count, weight + (long)(part.From + row) * inputs, inputs);
            }

            if (bias is not null)
            {
                Sum(blocks + BackwardLength + part.To, count, bias + part.From, part.Rows);
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

    private static unsafe float* Weight(in Part part, float* gate, float* controller, float* noise, float* module) =>
        part.Owner switch { Owner.Gate => gate, Owner.Controller => controller, Owner.Noise => noise, _ => module };

    private static unsafe float* Bias(in Part part, float* gate, float* controller, float* module) =>
        Weight(part, gate, controller, null, module);

    // Rows of a weight matrix that stay together: from row `From` of their owner's to row `To` among all.
    private IEnumerable<Part> Parts()
    {
        yield return new(Owner.Gate, 0, 0, _size.Hidden);
        yield return new(Owner.Gate, _size.Hidden, Hidden, _size.Hidden);
        for (int k = 0; k < _size.Choose; k++)
        {
            yield return new(Owner.Controller, k * _size.Modules, Logits(k), _size.Modules);
        }

        if (_size.Noisy)
        {
            yield return new(Owner.Noise, 0, Deviations, _size.Modules);
        }

        for (int m = 0; m < _size.Modules; m++)
        {
            yield return new(Owner.Module, m * _size.Hidden, Module(m), _size.Hidden);
        }
    }

    private static int RoundUp(int length, int lanes) => (length + lanes - 1) / lanes * lanes;

    private enum Owner
    {
        Gate,
        Controller,
        Noise,
        Module,
    }

    private readonly record struct Part(Owner Owner, int From, int To, int Rows);
}
