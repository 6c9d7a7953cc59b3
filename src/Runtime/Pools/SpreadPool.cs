using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// M linear modules with their activation that live on R ranks (Shazeer et al. 2017): rank r has the weights [M / R, out, in] of modules r·M/R and following, their
/// gradients, and what the optimiser remembers of them. Rows go to where their modules are, and their outputs come back. Its values and gradients are those of a
/// <see cref="LinearPool"/>, and do not depend on R.
/// </summary>
/// <remarks>
/// Every rank runs every pass together with all others, with at least one row, and through all layers in the same order; so it does backward passes. Gradients of the
/// weights are not there after a backward pass: rows and their gradients are kept until the last shard of the minibatch has run, and then each module's are multiplied in
/// the order of shards, so that the bits of the gradient do not depend on R either.
/// </remarks>
public sealed class SpreadPool : ModulePool
{
    [ComponentName(Name = "weight")]
    private Parameter _weight;
    [ComponentName(Name = "bias")]
    private Parameter? _bias;
    private readonly List<Noted> _noted = [];

    /// <summary>
    /// Makes modules, each of which is initialised as a linear layer of its own, with the same values whatever R. UserException where the <paramref name="ranks"/>, by
    /// default this process alone, cannot share M modules alike.
    /// </summary>
    public SpreadPool(
        string name, int count, int inputs, int outputs, Activation activation, bool bias, Initialiser initialiser, Ranks? ranks = null)
        : base(name, count)
    {
        (Ranks, Inputs, Outputs, Activation) = (ranks ?? Ranks.Alone, inputs, outputs, activation);
        if (count % Ranks.Count != 0)
        {
            throw new UserException(
                $"pool {name}, whose modules are spread", $"a number of modules that {Ranks.Count} ranks share alike", $"M = {count}",
                "give it more or fewer modules, start another number of ranks, or leave `spread` out");
        }

        _weight = Own(initialiser.Weight(inputs, outputs, count, outputs, inputs));
        register_parameter("weight", _weight);
        if (bias)
        {
            _bias = Own(initialiser.Bias(inputs, count, outputs));
            register_parameter("bias", _bias);
        }
    }

    /// <summary>The ranks that the modules live on.</summary>
    public Ranks Ranks { get; }

    /// <summary>The width of a module's input.</summary>
    public int Inputs { get; }

    /// <summary>The width of a module's output.</summary>
    public int Outputs { get; }

    /// <summary>The activation inside each module.</summary>
    public Activation Activation { get; }

    /// <summary>The weights of the modules that live here, [M / R, out, in].</summary>
    public Tensor Weight => _weight;

    /// <summary>The biases of the modules that live here, [M / R, out]; null where modules have none.</summary>
    public Tensor? Bias => _bias;

    internal override int CountHere => Count / Ranks.Count;

    internal override int FirstHere => Ranks.Rank * CountHere;

    internal override IEnumerable<Parameter> Stacked => _bias is null ? [_weight] : [_weight, _bias];

    /// <summary>Which shard of this rank is being run, from 0.</summary>
    internal int Pass { get; set; }

    /// <inheritdoc/>
    public override RowCost? Cost(long[] row) => new((long)Inputs * Outputs, [Outputs]);

    /// <inheritdoc/>
    public override Tensor Apply(int module, Tensor x) => ApplySegments(x, [module], [x.shape[0]]);

    /// <inheritdoc/>
    public override Tensor ApplySegments(Tensor x, long[] modules, long[] lengths) =>
        Run(x, tensor(modules).repeat_interleave(tensor(lengths)).unsqueeze(1)).squeeze(1);

    /// <summary>Runs the chosen modules where they live: x [B, in], indices [B, K] → [B, K, out].</summary>
    internal Tensor Run(Tensor x, Tensor indices)
    {
        var shipment = new Shipment(Ranks, FromDevice.Vector<long>(indices, Wait.Choices), CountHere);
        long positions = indices.shape[1];
        Tensor z = is_grad_enabled() ? Function.apply(x, _weight, this, shipment, positions) : Forward(x, shipment, positions).Outputs;
        return Activation.Apply(z.view(indices.shape[0], positions, Outputs));
    }

    /// <summary>Forgets the rows of the minibatch before, and begins with the first shard of this rank.</summary>
    internal void Begin()
    {
        Pass = 0;
        foreach (Noted noted in _noted)
        {
            noted.Rows.Dispose();
            noted.Upstream.Dispose();
        }

        _noted.Clear();
    }

    /// <summary>Gives the weights that live here their gradients, from the rows of all shards that backward passes have come through; those that are not in use get none where the pool tracks them.</summary>
    internal void PutGradients()
    {
        if (_noted.Count == 0)
        {
            return;
        }

        using (NewDisposeScope())
        using (no_grad())
        {
            // In the order of shards: rank by rank, and of each rank the first shard first.
            var parts = new List<(Tensor Rows, Tensor Upstream, long[] Modules)>();
            for (int rank = 0; rank < Ranks.Count; rank++)
            {
                foreach (Noted noted in _noted.OrderBy(n => n.Pass))
                {
                    int start = noted.From.Take(rank).Sum(), count = noted.From[rank];
                    parts.Add((noted.Rows.narrow(0, start, count), noted.Upstream.narrow(0, start, count), noted.Modules[start..(start + count)]));
                }
            }

            (long[] used, Tensor ofWeight, Tensor? ofBias) = SpreadLinear.Gradients(
                Operators.Join([.. parts.Select(p => p.Rows)], 0), Operators.Join([.. parts.Select(p => p.Upstream)], 0), [.. parts.SelectMany(p => p.Modules)],
                _weight, _bias, InUse is not null);
            Tensor In(Tensor values) => InUse is null ? values : RowSelection.Gradient(tensor(used, device: values.device), values, CountHere);
            _weight.grad = In(ofWeight);
            if (_bias is not null)
            {
                _bias.grad = In(ofBias!);
            }
        }

        Begin();
    }

    private (Tensor Rows, Tensor Outputs) Forward(Tensor x, Shipment shipment, long positions)
    {
        Tensor rows = shipment.There(x, positions);
        return (rows, shipment.Back(SpreadLinear.Forward(rows, shipment.Modules, shipment.From, _weight, _bias)));
    }

    private Parameter Own(Parameter all)
    {
        if (Ranks.Count == 1)
        {
            return all;
        }

        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var own = new Parameter(all.narrow(0, FirstHere, CountHere).clone());
        own.DetachFromDisposeScope();
        all.Dispose();
        return own;
    }

    // Rows [n, in] that came here in a pass, from.[r] of rank r, and the gradients in their outputs before the activation, [n, out].
    private sealed record Noted(int Pass, int[] From, long[] Modules, Tensor Rows, Tensor Upstream);

    // z [B·K, out]. The weight is given so that the pass back comes here whether x has a gradient or not; it gets its own later.
    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(SpreadPool);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (x, pool, shipment, positions) = ((Tensor)vars[0], (SpreadPool)vars[2], (Shipment)vars[3], (long)vars[4]);
            (Tensor rows, Tensor outputs) = pool.Forward(x, shipment, positions);
            ctx.save_data("pool", pool);
            ctx.save_data("pass", pool.Pass);
            ctx.save_data("shipment", shipment);
            ctx.save_data("positions", positions);
            ctx.save_data("x", x.requires_grad);
            ctx.save_for_backward([rows]);
            return outputs;
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            Tensor rows = ctx.get_saved_variables()[0];
            var pool = (SpreadPool)ctx.get_data("pool")!;
            var shipment = (Shipment)ctx.get_data("shipment")!;
            var positions = (long)ctx.get_data("positions")!;
            Tensor upstream = shipment.There(grad_output);
            Tensor? xGradient = null;
            if ((bool)ctx.get_data("x")!)
            {
                Tensor each = shipment.Back(SpreadLinear.InputGradient(rows, upstream, shipment.Modules, shipment.From, pool._weight));
                xGradient = positions == 1 ? each : each.view(-1, positions, pool.Inputs).sum(1);
            }

            if (pool._weight.requires_grad)
            {
                // A detached tensor outlives both the pass and the scope that it is made in.
                pool._noted.Add(new(
                    (int)ctx.get_data("pass")!, shipment.From, shipment.Modules, rows.detach().DetachFromDisposeScope(), upstream.detach().DetachFromDisposeScope()));
            }

            return [xGradient!, null!, null!, null!, null!];
        }
    }
}
