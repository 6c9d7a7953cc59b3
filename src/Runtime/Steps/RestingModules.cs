using ModNet.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Gradient steps in which the modules rest that nothing chose (<see cref="Unselected.Rest"/>). Around every step the stacked parameters of
/// pools are taken out of the optimiser's hands, and only the rows of modules in use are stepped.
/// </summary>
internal sealed class RestingModules
{
    private readonly Part[] _parts;

    /// <summary>Starts to track which modules of the pools are in use. The memories are of all parameters, the pools' among them.</summary>
    internal RestingModules(IEnumerable<ModulePool> pools, IEnumerable<ParameterMemory> memories, FactoredGradients? factored = null)
    {
        // Parameters are known by the tensor they are; there may be several objects for one.
        Dictionary<nint, ParameterMemory> byHandle = memories.ToDictionary(m => m.Parameter.Handle);
        _parts = [.. pools.Select(pool => new Part(pool, [.. pool.Stacked.Where(p => p.requires_grad).Select(p => new ModuleRows(byHandle[p.Handle], factored))]))];
        foreach (Part part in _parts)
        {
            part.Pool.Track(part.InUse);
        }
    }

    /// <summary>How many steps each module has had, [M], by the name of the pool.</summary>
    internal IEnumerable<(string Pool, long[] Steps)> Steps => _parts.Select(p => (p.Pool.Name, p.Steps));

    /// <summary>Is called before a step's forward pass: no module is in use yet.</summary>
    internal void Begin()
    {
        foreach (Part part in _parts)
        {
            part.InUse.Clear();
        }
    }

    /// <summary>The rows of a parameter that are in use, ascending; null unless it is a stacked one of a pool.</summary>
    internal long[]? RowsInUse(Parameter parameter) =>
        _parts.FirstOrDefault(part => part.Pool.Stacked.Any(p => p.Handle == parameter.Handle))?.InUse.ToArray();

    /// <summary>Whether a parameter is one of a single module that is not in use.</summary>
    internal bool Rests(Parameter parameter) =>
        _parts.Any(part => part.Apart.Any(m => !part.InUse[m] && part.Pool.Own(m).Any(own => own.Handle == parameter.Handle)));

    /// <summary>Which modules are in use, for <see cref="Unite"/>.</summary>
    internal byte[] InUse()
    {
        using var message = new MemoryStream();
        using var writer = new BinaryWriter(message);
        foreach (Part part in _parts)
        {
            long[] rows = part.InUse.ToArray();
            writer.Write(rows.Length);
            Array.ForEach(rows, row => writer.Write((int)row));
        }

        return message.ToArray();
    }

    /// <summary>From now on, the modules in use are those that any of several messages of <see cref="InUse"/> names.</summary>
    internal void Unite(IEnumerable<byte[]> all)
    {
        Begin();
        foreach (byte[] said in all)
        {
            using var reader = new BinaryReader(new MemoryStream(said));
            foreach (Part part in said.Length == 0 ? [] : _parts)
            {
                for (int count = reader.ReadInt32(); count > 0; count--)
                {
                    part.InUse.Add(reader.ReadInt32());
                }
            }
        }
    }

    /// <summary>Is called between the backward pass and the optimiser's step, and leaves the optimiser no gradient of a module that rests.</summary>
    internal void Take()
    {
        foreach (Part part in _parts)
        {
            foreach (ModuleRows rows in part.Rows)
            {
                rows.Take();
            }

            foreach (int m in part.Apart)
            {
                foreach (Parameter own in part.Pool.Own(m).Where(p => p.requires_grad))
                {
                    using Tensor? gradient = own.grad;
                    if (!part.InUse[m])
                    {
                        own.grad = null;
                    }
                    else if (gradient is null)
                    {
                        own.grad = zeros_like(own);
                    }
                }
            }
        }
    }

    /// <summary>Steps what <see cref="Take"/> took, at this learning rate.</summary>
    internal void Step(double rate)
    {
        using var noGrad = no_grad();
        foreach (Part part in _parts)
        {
            long[] inUse = part.InUse.ToArray();
            // What this does to frozen modules is undone after it (FrozenRows), and is no step of theirs.
            long[] all = Array.ConvertAll(inUse, m => part.Pool.Frozen.Contains((int)m) ? part.Steps[m] + 1 : ++part.Steps[m]);
            long[] rows = part.Pool.RowsHere(inUse);
            int elsewhere = inUse.Count(m => m < part.Pool.FirstHere);
            long[] steps = all[elsewhere..(elsewhere + rows.Length)];
            foreach (ModuleRows stacked in part.Rows)
            {
                stacked.Step(rate, rows, steps);
            }
        }
    }

    /// <summary>Stops tracking which modules are in use.</summary>
    internal void End()
    {
        foreach (Part part in _parts)
        {
            part.Pool.Track(null);
        }
    }

    private sealed record Part(ModulePool Pool, ModuleRows[] Rows)
    {
        internal ModulesInUse InUse { get; } = new(Pool.Count);

        internal long[] Steps { get; } = new long[Pool.Count];

        /// <summary>The modules with parameters that are not stacked.</summary>
        internal int[] Apart { get; } = [.. Enumerable.Range(0, Pool.Count).Where(m => Pool.Own(m).Any())];
    }

    // One stacked parameter [M, …] of a pool, with its gradient from Take to Step.
    private sealed class ModuleRows(ParameterMemory memory, FactoredGradients? factored)
    {
        private readonly Parameter _parameter = memory.Parameter;
        private Tensor? _gradient;
        private WeightFactors? _factors;

        internal void Take()
        {
            _factors = factored?.Of(_parameter)?.Take();
            _gradient = _parameter.grad?.DetachFromDisposeScope();
            _parameter.grad = null;
        }

        // Steps rows [U]; the step is the steps[u]-th of row u.
        internal void Step(double rate, long[] rows, long[] steps)
        {
            using var scope = NewDisposeScope();
            if (_factors is not null)
            {
                memory.StepByKernel(rate, (int)_parameter.shape[0], rows, steps, _factors.ForKernel());
                _factors.Dispose();
                return;
            }

            // A gradient of all rows has to be within a span's reach.
            if (memory.FitsKernel && (_gradient is not { is_sparse: false } || _gradient.numel() <= TensorSpans.Reach))
            {
                memory.StepByKernel(rate, (int)_parameter.shape[0], rows, steps, ForKernel(rows));
            }
            else
            {
                Tensor index = tensor(rows, device: _parameter.device);
                memory.StepByOperators(rate, index, steps, Gradient(rows, index));
            }

            _gradient?.Dispose();
            _gradient = null;
        }

        // The gradient of rows [U] as [U, …]. A sparse gradient may have several summands for a row.
        private Tensor Gradient(long[] rows, Tensor index)
        {
            if (_gradient is { is_sparse: false })
            {
                return _gradient.IndexSelect(0, index);
            }

            Tensor sum = zeros([rows.Length, .. _parameter.shape[1..]], _parameter.dtype, _parameter.device);
            if (_gradient is null)
            {
                return sum;
            }

            long[] places = Array.ConvertAll(SparseRows(), row => (long)Array.BinarySearch(rows, row));
            return sum.AddAt(0, tensor(places, device: _parameter.device), _gradient.SparseValues);
        }

        // A dense gradient is given whole; the kernel reads the rows that it steps.
        private OptimiserGradient ForKernel(long[] rows) => _gradient switch
        {
            null => default,
            { is_sparse: true } => new() { Values = TensorSpans.Floats(_gradient.SparseValues.contiguous()), Rows = SparseRows() },
            _ => new() { Values = TensorSpans.Floats(_gradient.contiguous()), Rows = rows, IsWhole = true },
        };

        private long[] SparseRows() => TensorArrays.Vector<long>(_gradient!.SparseIndices.select(0, 0));
    }
}
