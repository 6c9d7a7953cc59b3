using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Takes units out of a linear layer, or channels out of a convolution, that stands at a graph's top: their weights, what follows them unit by unit, and
/// the columns of the layer or head that reads them; with moving averages and what the optimiser remembers. The graph then gives what it gave with these units'
/// outputs set to 0. Where layers in between make another number of 0, such as batch normalisation, the reader's bias takes it up.
/// </summary>
public static class UnitEdit
{
    /// <summary>The state of a run without some units of a layer, counted from 0. The caller disposes of its tensors.</summary>
    /// <param name="state">The state before, by name, as a checkpoint has it.</param>
    /// <param name="graph">The graph before, from which names are taken and not values.</param>
    /// <param name="layer">The name of the layer.</param>
    /// <param name="units">The units that go.</param>
    /// <exception cref="UserException">The layer is none of these, a unit is not there, none would be left, or something else reads them.</exception>
    public static Dictionary<string, Tensor> Exclude(
        IReadOnlyDictionary<string, Tensor> state, Graph graph, string layer, IReadOnlyCollection<int> units)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var walk = new Walk(state, graph, layer, units);
        walk.Cut();
        return RunState.Owned(walk.Edited);
    }

    private sealed class Walk
    {
        private readonly IReadOnlyDictionary<string, Tensor> _state;
        private readonly Graph _graph;
        private readonly Node _layer;
        private readonly ILookup<nint, string> _names;
        private readonly long _units;
        private readonly bool[] _gone;

        // What stands for each unit that is gone, by the weights and by their averages: one number for all of its places.
        private Tensor[] _constants;

        internal Walk(IReadOnlyDictionary<string, Tensor> state, Graph graph, string layer, IReadOnlyCollection<int> units)
        {
            (_state, _graph) = (state, graph);
            Edited = new(state, StringComparer.Ordinal);
            Node[] cuttable = [.. graph.Nodes.Where(n => n is LinearNode or ConvNode)];
            _layer = cuttable.FirstOrDefault(n => n.Name == layer) ?? throw new UserException(
                $"layer {layer}",
                "a linear layer or a convolution that stands in no other layer",
                graph.Nodes.Any(n => n.Name == layer) ? "a layer of another kind" : "none of that name",
                cuttable.Length == 0 ? "the network has none" : $"it has {string.Join(", ", cuttable.Select(n => n.Name))}");
            _names = graph.state_dict().ToLookup(entry => entry.Value.Handle, entry => entry.Key);
            _units = Own(_layer, "weight")!.shape[0];
            _gone = new bool[_units];
            foreach (int unit in units)
            {
                _gone[unit >= 0 && unit < _units
                    ? unit
                    : throw new UserException($"layer {layer}", $"units from 0 to {_units - 1}", $"{unit}", "units are counted from 0")] = true;
            }

            if (_gone.All(g => g))
            {
                throw new UserException($"layer {layer}", $"fewer units than its {_units}", "all of them", "leave at least one");
            }

            _constants = [zeros(_gone.Count(g => g)), zeros(_gone.Count(g => g))];
        }

        internal Dictionary<string, Tensor> Edited { get; }

        internal void Cut()
        {
            if (!_gone.Any(g => g))
            {
                return;
            }

            Activation own = _layer is ConvNode conv ? conv.Activation : ((LinearNode)_layer).Activation;
            Follow(_layer, own);
            Keep(Name(_layer, "weight"), 0);
            if (Own(_layer, "bias") is Tensor bias)
            {
                Keep(NameOf(bias), 0);
            }

            foreach (Node next in _graph.Nodes.SkipWhile(n => n != _layer).Skip(1))
            {
                if (Reads(next))
                {
                    return;
                }
            }

            if (_graph.Head is not SoftmaxHead)
            {
                throw Refused(
                    $"{_graph.Head.Name}, a head that reads the units as they are", "the data say how many there are: take units out of an earlier layer");
            }

            CutReader(Name(_graph.Head, "weight"), 1, Name(_graph.Head, "bias"));
        }

        // Whether a node reads the units into others; else they go through it one by one.
        private bool Reads(Node node)
        {
            switch (node)
            {
                case ActivationNode activated:
                    Follow(node, activated.Activation);
                    return false;
                case DropoutNode or ActivityL1Node or FlattenNode or PoolingNode or UpsampleNode:
                    return false;
                case BatchNormNode:
                    Normalised(node);
                    return false;
                case LinearNode:
                    CutReader(Name(node, "weight"), 1, Own(node, "bias") is Tensor bias ? NameOf(bias) : null);
                    return true;
                case ConvNode conv:
                    bool isPadded = conv.Convolution.Padding > 0 && !AreZero;
                    CutReader(
                        Name(node, "weight"),
                        1,
                        isPadded
                            ? throw Refused($"{node.Name}, a convolution with padding, of units that are then no zeros", "leave out its padding")
                            : Own(node, "bias") is Tensor shift ? NameOf(shift) : null);
                    return true;
                case ModularLayer { Controllers: var controllers, Pools: var pools }
                    when controllers.Single() is LinearController controller && pools.Single() is LinearPool pool:
                    if (_graph.Nodes.Count(n => n.Pools.Contains(pool)) > 1)
                    {
                        throw Refused($"{node.Name}, over pool {pool.Name}, which serves another layer, too", "give the layer a pool of its own");
                    }

                    CutReader(NameOf(pool.Weight), 2, pool.Bias is null ? null : NameOf(pool.Bias));
                    CutReader(NameOf(controller.Weight), 1, NameOf(controller.OwnBias));
                    foreach (Tensor noise in controller.PerChoice.Where(p => p.dim() == 2 && p.Handle != controller.Weight.Handle))
                    {
                        Keep(NameOf(noise), 1);
                    }

                    return true;
                default:
                    throw Refused(
                        $"{node.Name}, which reads them otherwise",
                        "only linear layers, convolutions, softmax heads, and modular layers of linear modules with a linear controller can read fewer units");
            }
        }

        private bool AreZero => _constants.All(c => c.count_nonzero().ToInt64() == 0);

        private void Follow(Node node, Activation activation)
        {
            if (activation.TakesRows)
            {
                throw Refused($"{activation} of {node.Name}, which takes the units of a row together", "take units out of another layer");
            }

            if (node != _layer)
            {
                _constants = [.. _constants.Select(activation.Apply)];
            }
        }

        private void Normalised(Node node)
        {
            string[] names = ["weight", "bias", "running_mean", "running_var"];
            names = [.. node.state_dict().Where(e => names.Contains(e.Key)).OrderBy(e => Array.IndexOf(names, e.Key)).Select(e => NameOf(e.Value))];
            Each((constant, values) =>
            {
                Tensor[] own = [.. names.Select(n => Gone(values(n), 0))];
                Tensor each = PerPlace(constant, own[0].shape[0]);
                return (each - own[2]) / (own[3] + 1e-5).sqrt() * own[0] + own[1];
            });
            foreach (string name in names)
            {
                Keep(name, 0);
            }
        }

        private void CutReader(string weight, int dimension, string? bias)
        {
            if (bias is null && !AreZero)
            {
                throw Refused("a layer without bias, and other layers in between that make another number of 0", "give the reading layer a bias");
            }

            if (bias is not null && !AreZero)
            {
                string[] holders = [.. StateNames.WithAverage(_state, bias)];
                for (int i = 0; i < holders.Length; i++)
                {
                    Tensor columns = Gone(_state[i == 0 ? weight : WeightAverage.NameOf(weight)], dimension);
                    columns = columns.dim() == 4 ? columns.sum([2, 3]) : columns;
                    Edited[holders[i]] = _state[holders[i]] + columns.matmul(PerPlace(_constants[i], columns.shape[dimension]).to_type(columns.dtype));
                }
            }

            Keep(weight, dimension);
        }

        // Changes both constants, each by the values that belong to it.
        private void Each(Func<Tensor, Func<string, Tensor>, Tensor> change) => _constants =
        [
            change(_constants[0], n => _state[n]),
            change(_constants[1], n => _state[StateNames.WithAverage(_state, n).Last()]),
        ];

        // The constants of units for so many places of all of them.
        private static Tensor PerPlace(Tensor constant, long places) => constant.repeat_interleave(places / constant.shape[0]);

        private Tensor Gone(Tensor values, int dimension) => values.index_select(dimension, Places(values.shape[dimension], gone: true));

        // What is left of a tensor, of its average, and of what the optimiser remembers of it.
        private void Keep(string name, int dimension)
        {
            Tensor kept = Places(_state[name].shape[dimension], gone: false);
            foreach (string part in StateNames.WithAverage(_state, name).Concat(StateNames.Memories(_state, name)).ToArray())
            {
                Edited[part] = Edited[part].index_select(dimension, kept);
            }
        }

        // The places of the units that are gone, or of the others, where each unit has as many places side by side (a flattened image).
        private Tensor Places(long size, bool gone)
        {
            long each = size / _units;
            return tensor(
                Enumerable.Range(0, checked((int)size)).Where(p => _gone[p / each] == gone).Select(p => (long)p).ToArray());
        }

        private static Tensor? Own(nn.Module part, string name) => part.state_dict().GetValueOrDefault(name);

        private string Name(nn.Module part, string name) => NameOf(part.state_dict()[name]);

        private string NameOf(Tensor value) => _names[value.Handle].First();

        private UserException Refused(string got, string remedy) => new(
            $"layer {_layer.Name}", "units that are read by a layer which can read fewer of them", got, remedy);
    }
}
