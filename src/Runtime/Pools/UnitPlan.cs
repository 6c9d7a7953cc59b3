using ModNet.Kernels;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>A stage of a unit as the kernel takes it.</summary>
/// <param name="Stage">What it does.</param>
/// <param name="First">A weight or a scale of all M modules; null where it has no parameters.</param>
/// <param name="Second">A bias or a shift; null where it has none.</param>
/// <param name="Dropout">What draws its factors, where it is a dropout.</param>
internal readonly record struct PlannedStage(UnitStage Stage, Tensor? First = null, Tensor? Second = null, DropoutNode? Dropout = null);

/// <summary>
/// How the modules of a chain run by our own kernel: linear maps, layer normalisations of vectors, activations and dropout, in any order. An activation at the end
/// that takes rows as a whole, such as a softmax, comes after the kernel.
/// </summary>
internal sealed class UnitPlan
{
    private readonly List<PlannedStage> _stages = [];
    private readonly ChainPool _pool;

    private UnitPlan(ChainPool pool) => _pool = pool;

    /// <summary>The stages, in order.</summary>
    internal IReadOnlyList<PlannedStage> Stages => _stages;

    /// <summary>What is applied to the kernel's outputs.</summary>
    internal Activation After { get; private set; } = Activation.Identity;

    /// <summary>M.</summary>
    internal int Modules => _pool.Count;

    /// <summary>The modules in use, while the pool tracks them.</summary>
    internal ModulesInUse? InUse => _pool.InUse;

    /// <summary>The multiply-adds of a row.</summary>
    internal long MultiplyAdds => _stages.Where(s => s.Stage.Kind == UnitStageKind.Linear).Sum(s => (long)s.Stage.Inputs * s.Stage.Outputs);

    /// <summary>How many numbers the stages give for a row, all together.</summary>
    internal long Values => _stages.Sum(s => (long)s.Stage.Outputs);

    /// <summary>The plan for rows x [B, in] and so many choices in all; null where the kernel does not take them.</summary>
    internal static UnitPlan? Of(ChainPool pool, Tensor x, long choices)
    {
        var plan = new UnitPlan(pool);
        return pool.Precision == Precision.Weights
            && x.dim() == 2
            && pool.Stages.All(stage => plan.Adds(stage, (int)x.shape[1]))
            && plan._stages.Any(s => s.Stage.Kind == UnitStageKind.Linear)
            && plan._stages.All(s => s.First is null || FusedModularLinear.Takes(s.First, x))
            // A span can reach no more.
            && choices <= int.MaxValue
            && ModularUnit.KeptLength(plan.Size(choices, 1)) <= int.MaxValue / sizeof(float) ? plan : null;
    }

    /// <summary>The sizes of a run over B rows with K choices each.</summary>
    internal ModularUnitSize Size(long rows, long positions) => new((int)rows, Modules, (int)positions, [.. _stages.Select(s => s.Stage)]);

    // Whether the kernel can run this stage after those before.
    private bool Adds(ModulePool stage, int inputs)
    {
        int width = _stages.Count == 0 ? inputs : _stages[^1].Stage.Outputs;
        switch (stage)
        {
            case LinearPool linear when After == Activation.Identity && linear.Inputs == width:
                _stages.Add(new(UnitStage.Linear(linear.Inputs, linear.Outputs), linear.Weight, linear.Bias));
                return Adds(linear.Activation, linear.Outputs);
            case LayerNormPool norm when After == Activation.Identity && norm.TakesVectors && norm.Weight.shape[1] == width:
                _stages.Add(new(UnitStage.Norm(width), norm.Weight, norm.Bias));
                return true;
            case StagePool { Node: FlattenNode }:
                return true;
            case StagePool { Node: ActivationNode node }:
                return Adds(node.Activation, width);
            case StagePool { Node: DropoutNode node } when After == Activation.Identity:
                if (node.Drops)
                {
                    _stages.Add(new(UnitStage.Times(width), Dropout: node));
                }

                return true;
            default:
                return false;
        }
    }

    private bool Adds(Activation activation, int width)
    {
        if (activation == Activation.Identity)
        {
            return true;
        }

        if (After != Activation.Identity)
        {
            return false;
        }

        if (activation.Function is UnitFunction function)
        {
            _stages.Add(new(UnitStage.Each(width, function, (float)activation.Setting)));
        }
        else
        {
            After = activation;
        }

        return true;
    }
}
