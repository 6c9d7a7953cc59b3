using System.Text.Json.Nodes;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace ModNet.TorchSharpPeer;

/// <summary>
/// The paper's language model (appendix A), K modules chosen at every word and summed, written for speed:
/// what reads x is one product over the whole window, ahead of the loop over time; all M modules' candidates are one product per step
/// (M · hidden is small), of which the chosen are picked; in the M-step, where choices are given, the controller runs once, after the loop;
/// in the E-step all candidates are one batch.
/// </summary>
internal sealed class Ptb : EmModel
{
    private readonly long _modules;
    private readonly long _hidden;
    private readonly Embedding _embedding;

    /// <summary>As it was told.</summary>
    internal Ptb(JsonObject told)
        : base(told, told["batch"]!.GetValue<long>(), told["batch"]!.GetValue<long>())
    {
        (_modules, _hidden) = (Parameters["module_bias"].shape[0], Parameters["module_bias"].shape[1]);
        Parameter words = Parameters["embedding"];
        _embedding = nn.Embedding(words.shape[0], words.shape[1]);
        _embedding.weight = words;
    }

    /// <inheritdoc/>
    protected override IEnumerable<string> LossWays => PtbHead.Sums.Keys;

    /// <inheritdoc/>
    protected override IEnumerable<string> JointWays => PtbHead.Scores.Keys;

    /// <inheritdoc/>
    protected override Tensor Loss(Tensor inputs, Tensor targets, Tensor held, string way)
    {
        (long batch, long steps) = (inputs.shape[0], inputs.shape[1]);
        Tensor[] ahead = Ahead(inputs), gates = ahead[0].unbind(0), candidates = ahead[1].unbind(0);
        Tensor gate = ReadsState("gate_weight").t(), module = ModulesReadState().t();
        Tensor chosen = held.view(batch, steps, Choose).transpose(0, 1);
        Tensor[] picks = Rows(batch, chosen).unbind(0);
        Tensor h = zeros(batch, _hidden);
        var before = new Tensor[steps];
        var states = new Tensor[steps];
        for (int t = 0; t < steps; t++)
        {
            before[t] = h;
            Tensor[] zr = gates[t].addmm(h, gate).sigmoid().chunk(2, 1);
            Tensor candidate = Picked(candidates[t].addmm(zr[1] * h, module), picks[t]);
            states[t] = h = lerp(h, candidate, zr[0]);
        }

        Tensor logits = ahead[2] + linear(stack(before), ReadsState("controller_weight"));
        Tensor choices = logits.view(steps, batch, Choose, _modules).log_softmax(3);
        Tensor logChoice = choices.gather(3, chosen.unsqueeze(3)).sum();
        Tensor logLikelihood = PtbHead.Sums[way](
            stack(states).flatten(0, 1), Parameters["head_weight"], Parameters["head_bias"], targets.t().reshape(-1));
        return -(logLikelihood + logChoice).sum() / batch;
    }

    /// <inheritdoc/>
    protected override (Tensor Joint, Tensor Compositions) Joint(Tensor inputs, Tensor targets, Tensor held, string way)
    {
        (long batch, long steps, long many) = (inputs.shape[0], inputs.shape[1], Samples + 1);
        long rows = many * batch;
        Tensor[] parts = Ahead(inputs);
        Tensor both = cat([ReadsState("gate_weight"), ReadsState("controller_weight")]).t().contiguous();
        Tensor ahead = cat([parts[0], parts[2]], 2), module = ModulesReadState().t().contiguous();
        Tensor given = held.view(batch, steps, Choose).transpose(0, 1);
        Tensor noise = empty(steps, rows, Choose, _modules).exponential_();
        Tensor states = empty(steps, rows, _hidden), choices = empty_like(noise);
        Tensor chosen = empty(steps, rows, Choose, dtype: ScalarType.Int64), first = arange(rows).unsqueeze(1) * _modules;
        Tensor h = zeros(rows, _hidden);
        for (int t = 0; t < steps; t++)
        {
            using var scope = NewDisposeScope();
            Tensor seen = h.mm(both).view(many, batch, -1).add_(ahead[t]).view(rows, -1);
            Tensor[] zr = seen.narrow(1, 0, 2 * _hidden).sigmoid().chunk(2, 1);
            Tensor logP = seen.narrow(1, 2 * _hidden, Choose * _modules).reshape(-1, Choose, _modules).log_softmax(2);
            choices[t].copy_(logP);

            // The smallest of exponential times at rates p is a draw from p.
            Tensor drawn = chosen[t].copy_(logP.exp_().div_(noise[t]).argmax(2));
            drawn.narrow(0, 0, batch).copy_(given[t]);
            Tensor own = (zr[1] * h).mm(module).view(many, batch, -1).add_(parts[1][t]);
            Tensor candidate = Picked(own, (drawn + first).squeeze(1));
            h = states[t].copy_(lerp(h, candidate, zr[0])).MoveToOuterDisposeScope();
        }

        Tensor logChoice = choices.gather(3, chosen.unsqueeze(3)).sum([0, 2, 3]);
        Tensor wanted = targets.t().unsqueeze(1).expand(-1, many, -1).reshape(-1);
        Tensor scores = PtbHead.Scores[way](
            states.view(-1, _hidden), Parameters["head_weight"], Parameters["head_bias"], wanted, rows);
        Tensor joint = scores.view(steps, -1).sum([0]).add_(logChoice);
        return (joint.view(many, batch), chosen.transpose(0, 1).reshape(many, batch, -1));
    }

    // A weight's columns that read h; those behind them read x.
    private Tensor ReadsState(string name) => Parameters[name].narrow(1, 0, _hidden);

    private Tensor ReadsInput(Tensor weight) => weight.narrow(1, _hidden, weight.shape[1] - _hidden);

    private Tensor ModulesReadState() => Parameters["module_weight"].flatten(0, 1).narrow(1, 0, _hidden);

    // What x gives to gates [T, B, 2·hidden], to modules [T, B, M·hidden] and to controllers [T, B, K·M].
    private Tensor[] Ahead(Tensor tokens)
    {
        Tensor controllerBias = Parameters["controller_bias"];
        Tensor weight = cat(
            [
                ReadsInput(Parameters["gate_weight"]),
                ReadsInput(Parameters["module_weight"].flatten(0, 1)),
                ReadsInput(Parameters["controller_weight"]),
            ]);
        Tensor bias = cat([Parameters["gate_bias"], Parameters["module_bias"].flatten(), controllerBias]);
        Tensor x = _embedding.forward(tokens.t());
        return linear(x, weight, bias).split([2 * _hidden, _modules * _hidden, controllerBias.shape[0]], 2);
    }

    // Where the chosen [T, B, K] lie among all modules' outputs of a step [B·M]: [T, B] for K = 1, else [T, B, K].
    private Tensor Rows(long batch, Tensor chosen)
    {
        Tensor rows = chosen + arange(batch).unsqueeze(1) * _modules;
        return Choose == 1 ? rows.squeeze(2) : rows;
    }

    // Of all modules' outputs [R, M·hidden] the chosen ones' activations, summed: [R, hidden].
    private Tensor Picked(Tensor candidates, Tensor rows)
    {
        Tensor each = candidates.view(-1, _hidden).index(rows).relu();
        return rows.dim() == 1 ? each : each.sum(1);
    }
}
