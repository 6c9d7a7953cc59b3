using System.Text.Json.Nodes;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.TorchSharpPeer;

/// <summary>A network in training by Viterbi EM: what does not depend on the network.</summary>
internal abstract class EmModel : IModel
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Tensor _inputs;
    private readonly Tensor _targets;
    private readonly Tensor _held;
    private readonly Minibatches _mBatches;
    private readonly Minibatches _eBatches;
    private readonly Optimizers _optimizers;
    private readonly int _mSteps;

    /// <summary>Data, a* and parameters are those of a file that is named.</summary>
    protected EmModel(JsonObject told, long mBatch, long eBatch)
    {
        Choose = told["choose"]!.GetValue<long>();
        Samples = told["samples"]!.GetValue<long>();
        _mSteps = told["m_steps"]!.GetValue<int>();
        List<(string Name, Tensor Value)> tensors = SafetensorsFile.Read(told["file"]!.GetValue<string>());
        Tensor Data(string name) => tensors.First(t => t.Name == name).Value;
        (_inputs, _targets, _held) = (Data("inputs"), Data("targets"), Data("assignments"));
        var parameters = tensors.Where(t => t.Name is not ("inputs" or "targets" or "assignments"))
            .Select(t => (t.Name, Value: new Parameter(t.Value))).ToArray();
        Parameters = parameters.ToDictionary(p => p.Name, p => p.Value);
        Ordered = [.. parameters.Select(p => p.Value)];
        manual_seed(told["seed"]!.GetValue<long>());
        (_mBatches, _eBatches) = (new(_inputs.shape[0], mBatch), new(_inputs.shape[0], eBatch));
        _optimizers = new(Ordered, told["rate"]!.GetValue<double>());
    }

    /// <summary>K.</summary>
    protected long Choose { get; }

    /// <summary>S.</summary>
    protected long Samples { get; }

    /// <summary>By the names of the file.</summary>
    protected IReadOnlyDictionary<string, Parameter> Parameters { get; }

    /// <summary>In the order of the file.</summary>
    protected IReadOnlyList<Parameter> Ordered { get; }

    /// <summary>Ways to the M-step's loss, by name, the plainest first.</summary>
    protected abstract IEnumerable<string> LossWays { get; }

    /// <summary>Ways to the E-step's joints, by name, the plainest first.</summary>
    protected abstract IEnumerable<string> JointWays { get; }

    /// <inheritdoc/>
    public JsonObject Variants() => new()
    {
        ["m_step"] = Names(LossWays.SelectMany(way => Optimizers.Names.Select(optimizer => $"{way}/{optimizer}"))),
        ["e_step"] = Names(JointWays),
    };

    /// <inheritdoc/>
    public void Run(string part, string variant, int calls)
    {
        for (int i = 0; i < calls; i++)
        {
            switch (part)
            {
                case "m_step":
                    MStep(variant);
                    break;
                case "e_step":
                    EStep(variant);
                    break;
                default:
                    // A round's variant is those of its two parts.
                    string[] both = variant.Split(' ');
                    EStep(both[1]);
                    for (int step = 0; step < _mSteps; step++)
                    {
                        MStep(both[0]);
                    }

                    break;
            }
        }
    }

    /// <inheritdoc/>
    public JsonObject Values(int rows)
    {
        using var scope = NewDisposeScope();
        Tensor inputs = _inputs.narrow(0, 0, rows), targets = _targets.narrow(0, 0, rows);
        Tensor held = _held.narrow(0, 0, rows).to(ScalarType.Int64);
        JsonObject losses = [], gradients = [], joints = [], sampled = [];
        foreach (string way in LossWays)
        {
            foreach (Parameter parameter in Ordered)
            {
                parameter.grad = null;
            }

            Tensor loss = Loss(inputs, targets, held, way);
            loss.backward();
            losses[way] = loss.ToDouble();
            gradients[way] = new JsonArray([.. Ordered.Select(p => JsonValue.Create(p.grad!.norm().ToDouble()))]);
        }

        foreach (string way in JointWays)
        {
            using var noGradient = no_grad();
            (Tensor joint, Tensor compositions) = Joint(inputs, targets, held, way);
            joints[way] = Numbers(joint[0].data<float>().ToArray());
            sampled[way] = new JsonArray(
                Numbers(joint[1].data<float>().ToArray()),
                new JsonArray([.. compositions[1].unbind(0).Select(row => Numbers(row.data<long>().ToArray()))]));
        }

        return new() { ["loss"] = losses, ["gradient"] = gradients, ["joint"] = joints, ["sampled"] = sampled };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _optimizers.Dispose();
        _mBatches.Dispose();
        _eBatches.Dispose();
        _scope.Dispose();
    }

    /// <summary>−mean log p(y|x, a*) − w · mean Σ log p(a*|x) of a minibatch of B with a* [B, C] (Eq. 8): a scalar.</summary>
    protected abstract Tensor Loss(Tensor inputs, Tensor targets, Tensor held, string way);

    /// <summary>log p(y|x, a) + log p(a|x) of a* and S samples [S + 1, B], and their compositions [S + 1, B, C]; no gradient is asked for.</summary>
    protected abstract (Tensor Joint, Tensor Compositions) Joint(Tensor inputs, Tensor targets, Tensor held, string way);

    private void MStep(string variant)
    {
        using var scope = NewDisposeScope();
        string[] ways = variant.Split('/');
        _optimizers.Step(ways[1], () =>
        {
            Tensor picked = _mBatches.Next();
            Tensor held = _held.index_select(0, picked).to(ScalarType.Int64);
            Loss(_inputs.index_select(0, picked), _targets.index_select(0, picked), held, ways[0]).backward();
        });
    }

    private void EStep(string way)
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        Tensor picked = _eBatches.Next();
        Tensor held = _held.index_select(0, picked);
        (Tensor joint, Tensor compositions) = Joint(
            _inputs.index_select(0, picked), _targets.index_select(0, picked), held.to(ScalarType.Int64), way);
        long batch = picked.shape[0];
        (Tensor best, Tensor which) = joint.narrow(0, 1, Samples).max(0);
        Tensor found = compositions.flatten(0, 1).index_select(0, (which + 1) * batch + arange(batch)).to(held.dtype);
        _held.index_copy_(0, picked, where((best > joint[0]).unsqueeze(1), found, held));
    }

    private static JsonArray Names(IEnumerable<string> names) => new([.. names.Select(n => JsonValue.Create(n))]);

    private static JsonArray Numbers<T>(T[] values) => new([.. values.Select(v => JsonValue.Create(v))]);
}
