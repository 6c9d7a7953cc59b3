using ModNet.Torch;
using Tensor = TorchSharp.torch.Tensor;

namespace TorchSharp.Modules;

file static class Foreach
{
    internal static readonly Op mul_ = new("_foreach_mul_.Scalar");
    internal static readonly Op add_ = new("_foreach_add_.List");
    internal static readonly Op add = new("_foreach_add.List");
    internal static readonly Op add_scalar_ = new("_foreach_add_.Scalar");
    internal static readonly Op addcmul_ = new("_foreach_addcmul_.Scalar");
    internal static readonly Op addcdiv_ = new("_foreach_addcdiv_.ScalarList");
    internal static readonly Op sqrt = new("_foreach_sqrt");
    internal static readonly Op div_ = new("_foreach_div_.ScalarList");
    internal static readonly Op neg = new("_foreach_neg");
}

/// <summary>Options of Adam and AdamW.</summary>
public abstract class AdamOptions : OptimizerOptions
{
    public double? beta1;
    public double? beta2;
    public double? weight_decay;
    public double? eps;
    public bool? amsgrad;
    public bool? maximize;

    public override void SaveStateDict(BinaryWriter writer)
    {
        base.SaveStateDict(writer);
        writer.Write(beta1!.Value);
        writer.Write(beta2!.Value);
        writer.Write(eps!.Value);
        writer.Write(weight_decay!.Value);
        writer.Write(amsgrad!.Value);
        writer.Write(maximize!.Value);
    }

    public override void LoadStateDict(BinaryReader reader)
    {
        base.LoadStateDict(reader);
        beta1 = reader.ReadDouble();
        beta2 = reader.ReadDouble();
        eps = reader.ReadDouble();
        weight_decay = reader.ReadDouble();
        amsgrad = reader.ReadBoolean();
        maximize = reader.ReadBoolean();
    }

    public override void LoadStateDict(OptimizerOptions source)
    {
        base.LoadStateDict(source);
        var other = (AdamOptions)source;
        (beta1, beta2, eps) = (other.beta1, other.beta2, other.eps);
        (weight_decay, amsgrad, maximize) = (other.weight_decay, other.amsgrad, other.maximize);
    }

    internal void Complete(AdamOptions defaults)
    {
        LearningRate ??= defaults.LearningRate;
        beta1 ??= defaults.beta1;
        beta2 ??= defaults.beta2;
        eps ??= defaults.eps;
        weight_decay ??= defaults.weight_decay;
        amsgrad ??= defaults.amsgrad;
        maximize ??= defaults.maximize;
        InitialLearningRate = LearningRate!.Value;
    }
}

/// <summary>Adam's and AdamW's memory of one parameter.</summary>
public abstract class AdamState : OptimizerState, IDisposable
{
    public long step;
    public Tensor exp_avg = null!;
    public Tensor exp_avg_sq = null!;
    public Tensor? max_exp_avg_sq;

    internal AdamState Start(Parameter parameter, bool amsgrad)
    {
        exp_avg = torch.zeros_like(parameter).DetachFromDisposeScope();
        exp_avg_sq = torch.zeros_like(parameter).DetachFromDisposeScope();
        max_exp_avg_sq = amsgrad ? torch.zeros_like(parameter).DetachFromDisposeScope() : null;
        return this;
    }

    public void Dispose()
    {
        exp_avg.Dispose();
        exp_avg_sq.Dispose();
        max_exp_avg_sq?.Dispose();
    }

    public override void to(torch.Device device)
    {
        exp_avg = Moved(exp_avg, device);
        exp_avg_sq = Moved(exp_avg_sq, device);
        if (max_exp_avg_sq is not null)
            max_exp_avg_sq = Moved(max_exp_avg_sq, device);
    }

    public override void SaveStateDict(BinaryWriter writer)
    {
        writer.Write(step);
        exp_avg.Save(writer);
        exp_avg_sq.Save(writer);
        writer.Write(max_exp_avg_sq is not null);
        max_exp_avg_sq?.Save(writer);
    }

    public override void LoadStateDict(BinaryReader reader)
    {
        step = reader.ReadInt64();
        exp_avg.Load(reader);
        exp_avg_sq.Load(reader);
        if (reader.ReadBoolean())
            (max_exp_avg_sq ??= torch.zeros_like(exp_avg_sq).DetachFromDisposeScope()).Load(reader);
        else
        {
            max_exp_avg_sq?.Dispose();
            max_exp_avg_sq = null;
        }
    }

    /// <summary>Takes copies of the other's tensors.</summary>
    public override void LoadStateDict(OptimizerState source)
    {
        var other = (AdamState)source;
        Dispose();
        step = other.step;
        exp_avg = other.exp_avg.clone().DetachFromDisposeScope();
        exp_avg_sq = other.exp_avg_sq.clone().DetachFromDisposeScope();
        max_exp_avg_sq = other.max_exp_avg_sq?.clone().DetachFromDisposeScope();
    }

    public override bool ApproximatelyEquals(OptimizerState other) =>
        other is AdamState rhs && step == rhs.step && exp_avg.allclose(rhs.exp_avg) && exp_avg_sq.allclose(rhs.exp_avg_sq)
        && (max_exp_avg_sq is null || (rhs.max_exp_avg_sq is { } theirs && max_exp_avg_sq.allclose(theirs)));

    private static Tensor Moved(Tensor tensor, torch.Device device)
    {
        using (tensor)
            return tensor.to(device).DetachFromDisposeScope();
    }
}

/// <summary>The step that Adam and AdamW share, over all parameters of a group at once.</summary>
internal static class AdamStep
{
    /// <summary>θ ← θ − lr · m̂ / (√v̂ + eps); with decoupled decay θ shrinks first, otherwise the decay joins the gradient.</summary>
    internal static void Run(IEnumerable<Parameter> parameters, AdamOptions options, Func<Parameter, AdamState> stateOf, bool decoupled)
    {
        var live = parameters.Select(p => (Parameter: p, Gradient: p.grad)).Where(p => p.Gradient is not null).ToArray();
        // The foreach operators want one device and one type.
        foreach (var group in live.GroupBy(p => (p.Parameter.dtype, p.Parameter.device)))
            Update([.. group.Select(p => p.Parameter)], [.. group.Select(p => p.Gradient!)], options, stateOf, decoupled);
    }

    private static void Update(Tensor[] parameters, Tensor[] gradients, AdamOptions options, Func<Parameter, AdamState> stateOf, bool decoupled)
    {
        var (beta1, beta2, lr) = (options.beta1!.Value, options.beta2!.Value, options.LearningRate!.Value);
        var decay = options.weight_decay!.Value;
        AdamState[] states = [.. parameters.Select(p => stateOf((Parameter)p))];
        foreach (var state in states)
            state.step++;
        Tensor[] first = [.. states.Select(s => s.exp_avg)], second = [.. states.Select(s => s.exp_avg_sq)];

        if (options.maximize!.Value)
            gradients = Foreach.neg.CallList(gradients);
        if (decay != 0 && decoupled)
            Foreach.mul_.CallVoid(parameters, 1 - lr * decay);
        else if (decay != 0)
            gradients = Foreach.add.CallList(gradients, parameters, decay);

        Foreach.mul_.CallVoid(first, beta1);
        Foreach.add_.CallVoid(first, gradients, 1 - beta1);
        Foreach.mul_.CallVoid(second, beta2);
        Foreach.addcmul_.CallVoid(second, gradients, gradients, 1 - beta2);
        if (options.amsgrad!.Value)
            second = Largest(states, second);

        double[] steps = [.. states.Select(s => -lr / (1 - Math.Pow(beta1, s.step)))];
        double[] roots = [.. states.Select(s => Math.Sqrt(1 - Math.Pow(beta2, s.step)))];
        var denominators = Foreach.sqrt.CallList((Tensor?[])second);
        Foreach.div_.CallVoid(denominators, roots);
        Foreach.add_scalar_.CallVoid(denominators, options.eps!.Value);
        Foreach.addcdiv_.CallVoid(parameters, first, denominators, steps);
    }

    private static Tensor[] Largest(AdamState[] states, Tensor[] second)
    {
        foreach (var (state, now) in states.Zip(second))
        {
            using var largest = state.max_exp_avg_sq!.maximum(now);
            state.max_exp_avg_sq!.copy_(largest);
        }
        return [.. states.Select(s => s.max_exp_avg_sq!)];
    }
}
