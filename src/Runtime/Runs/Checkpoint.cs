using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// <c>checkpoint.safetensors</c>: weights under their names in the graph, what the method remembers (Viterbi EM:
/// a* as <c>em.assignments</c>; REINFORCE: its average as <c>reinforce.average</c>), the optimiser's moments as <c>optimizer.…</c> and random streams as <c>random.…</c>. <c>state.json</c>: what is not a tensor.
/// </summary>
public static class Checkpoint
{
    /// <summary>Writes both files, each whole.</summary>
    public static void Write(RunFolder folder, Graph graph, TrainingMethod method, RandomStreams streams, long step)
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach ((string name, Tensor value) in graph.state_dict())
        {
            tensors.Add(name, value);
        }

        foreach ((string name, Tensor value) in method.State())
        {
            tensors.Add(name, value);
        }

        foreach ((string name, Tensor value) in OptimizerState.Of(method.Optimizer, graph))
        {
            tensors.Add($"optimizer.{name}", value);
        }

        foreach ((string name, Tensor state) in streams.States())
        {
            tensors.Add($"random.{name}", state);
        }

        Safetensors.Write(folder.PathOf("checkpoint.safetensors"), tensors);
        folder.WriteJson("state.json", new JsonObject
        {
            ["version"] = 1,
            ["step"] = step,
            ["seed"] = streams.Seed,
        });
    }

    /// <summary>Loads the weights of a checkpoint into a graph of the same architecture.</summary>
    public static void LoadWeights(string path, Graph graph)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Dictionary<string, Tensor> stored = Safetensors.Read(path);
        foreach ((string name, Tensor value) in graph.state_dict())
        {
            if (!stored.TryGetValue(name, out Tensor? from) || !from.shape.SequenceEqual(value.shape))
            {
                string got = from is null ? "none" : from.shape.AsShape();
                throw new UserException(
                    path, $"{name} {value.shape.AsShape()}", got, "give a checkpoint of the same architecture");
            }

            value.copy_(from);
        }
    }
}
