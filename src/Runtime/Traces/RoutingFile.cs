using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Writes and reads a routing trace as a safetensors file, which Python reads too.</summary>
/// <remarks>
/// <para>There are N datapoints. Each modular layer LAYER has T sites per datapoint (its time steps, else 1), at each of which K of M modules run:</para>
/// <list type="table">
/// <item><term><c>selections/LAYER</c></term><description>[N, T, K] uint8 (int32 where M > 256): the modules that ran.</description></item>
/// <item><term><c>probabilities/LAYER</c></term><description>[N, T, P, M] float32: the distribution by which they were chosen, a softmax
/// for each of P = K positions; under noisy and loss-free top-k the gate, P = 1. It is absent for given choices and static modules.</description></item>
/// <item><term><c>weights/LAYER</c></term><description>[N, T, K] float32: factors on the outputs, under noisy and loss-free top-k.</description></item>
/// <item><term><c>held/LAYER</c></term><description>[N, T, K] uint8 (int32 where M > 256): the assignments a* of training datapoints, under EM.</description></item>
/// </list>
/// <para>For each datapoint there are these tensors, the last five only where they apply:</para>
/// <list type="table">
/// <item><term><c>datapoints</c></term><description>[N] int64: its number in the split.</description></item>
/// <item><term><c>log_likelihood</c></term><description>[N] float32: log p(y|x, a), summed over outputs, nats.</description></item>
/// <item><term><c>log_probability</c></term><description>[N] float32: log p(a|x), summed over sites, nats.</description></item>
/// <item><term><c>inputs</c></term><description>[N, T] int32 token ids, or [N, D] float32 vectors up to 64 wide; images are left out.</description></item>
/// <item><term><c>targets</c></term><description>[N, O]: int32 classes (O = 1, or T next words), or float32 numbers.</description></item>
/// <item><term><c>predictions</c></term><description>[N, 1] int32 or [N, O] float32; not for sequences.</description></item>
/// <item><term><c>tasks</c></term><description>[N] int32: task ids.</description></item>
/// </list>
/// <para>The header's <c>__metadata__</c> (strings): <c>format</c> <c>modnet.routing</c>, <c>version</c> <c>1</c>, <c>step</c>, <c>split</c>, and as JSON
/// <c>layers</c> (<c>[{"name", "pool", "sites", "choose", "modules", "latent"}]</c>, in the order in which data pass them), and where there are such
/// <c>vocabulary</c>, <c>classes</c>, <c>tasks</c> (lists of labels by number).</para>
/// </remarks>
public static class RoutingFile
{
    private const string Format = "modnet.routing";
    private const string Version = "1";

    // One byte can number 256 modules.
    private const int ModulesInAByte = 256;

    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the file, whole or not at all. UserException where the disk refuses.</summary>
    public static void Write(string path, RoutingTrace trace)
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        void Add<T>(string name, Array? values)
            where T : unmanaged
        {
            if (values is not null)
            {
                tensors.Add(name, TensorArrays.ToTensor<T>(values));
            }
        }

        Add<long>("datapoints", trace.Datapoints);
        Add<float>("log_likelihood", trace.LogLikelihood);
        Add<float>("log_probability", trace.LogProbability);
        Add<int>("inputs", trace.Tokens);
        Add<float>("inputs", trace.Features);
        Add<int>("targets", trace.TargetClasses);
        Add<float>("targets", trace.TargetValues);
        Add<int>("predictions", Column(trace.PredictedClasses));
        Add<float>("predictions", trace.PredictedValues);
        Add<int>("tasks", trace.Tasks);
        foreach (RoutingLayer layer in trace.Layers)
        {
            Tensor Modules(int[,,] chosen) =>
                TensorArrays.ToTensor<int>(chosen).to_type(layer.Modules <= ModulesInAByte ? ScalarType.Byte : ScalarType.Int32);
            tensors.Add($"selections/{layer.Name}", Modules(layer.Selections));
            if (layer.Held is not null)
            {
                tensors.Add($"held/{layer.Name}", Modules(layer.Held));
            }

            Add<float>($"probabilities/{layer.Name}", layer.Probabilities);
            Add<float>($"weights/{layer.Name}", layer.Weights);
        }

        Safetensors.Write(path, tensors, Metadata(trace));
    }

    /// <summary>Reads a file. UserException where it is no routing trace.</summary>
    public static RoutingTrace Read(string path)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors = Safetensors.Read(path, out IReadOnlyDictionary<string, string> metadata);
        string found = metadata.TryGetValue("format", out string? format) ? $"{format} {metadata.GetValueOrDefault("version")}" : "another file";
        if (found != $"{Format} {Version}")
        {
            throw new UserException(path, $"a routing trace ({Format} {Version})", found, "give a routing.safetensors that ModNet wrote");
        }

        try
        {
            return Whole(Trace(tensors, metadata));
        }
        catch (Exception e) when (e is KeyNotFoundException or JsonException or FormatException or InvalidOperationException
            or InvalidCastException or ArgumentException or NullReferenceException or OverflowException or ExternalException)
        {
            throw new UserException(path, "a routing trace with all its parts", e.Message, "write it anew: train again");
        }
    }

    // Readers of traces rely on this: every part has a row for every datapoint, and where there are labels, every number has one.
    private static RoutingTrace Whole(RoutingTrace trace)
    {
        var parts = new (string Name, Array? Values, IReadOnlyList<string>? Labels)[]
        {
            ("log_likelihood", trace.LogLikelihood, null), ("log_probability", trace.LogProbability, null),
            ("inputs", trace.Tokens, trace.Labels.Vocabulary), ("inputs", trace.Features, null),
            ("targets", trace.TargetClasses, trace.Labels.Classes ?? trace.Labels.Vocabulary), ("targets", trace.TargetValues, null),
            ("predictions", trace.PredictedClasses, trace.Labels.Classes), ("predictions", trace.PredictedValues, null),
            ("tasks", trace.Tasks, trace.Labels.Tasks),
        };
        IEnumerable<(string, Array, IReadOnlyList<string>?)> layers = trace.Layers.SelectMany(
            layer => ((string, Array?)[])[("selections", layer.Selections), ("held", layer.Held)],
            (layer, part) => ($"{part.Item1}/{layer.Name}", part.Item2, (IReadOnlyList<string>?)null))
            .Where(part => part.Item2 is not null)
            .Select(part => (part.Item1, part.Item2!, part.Item3));
        foreach ((string name, Array values, IReadOnlyList<string>? labels) in
            parts.Where(p => p.Values is not null).Select(p => (p.Name, p.Values!, p.Labels)).Concat(layers))
        {
            if (values.GetLength(0) != trace.Count)
            {
                throw new FormatException($"{name} of {values.GetLength(0)} datapoints, not {trace.Count}");
            }

            if (labels is not null && values.Cast<int>().Any(number => number < 0 || number >= labels.Count))
            {
                throw new FormatException($"{name} with a number that has no label");
            }
        }

        if (trace.Layers.GroupBy(l => l.Pool, StringComparer.Ordinal).Any(pool => pool.DistinctBy(l => l.Modules).Count() > 1))
        {
            throw new FormatException("layers that share a pool and differ in its number of modules");
        }

        if (trace.Count == 0 || trace.Layers.Count == 0 || trace.Layers.Any(l => l.Times == 0 || l.Choose == 0))
        {
            throw new FormatException("nothing in it");
        }

        return trace;
    }

    private static RoutingTrace Trace(Dictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        Tensor? Find(string name) => tensors.GetValueOrDefault(name);
        T[,]? Table<T>(string name, bool real)
            where T : unmanaged =>
            Find(name) is Tensor tensor && tensor.is_floating_point() == real ? TensorArrays.Table<T>(tensor) : null;
        IReadOnlyList<string>? Labels(string name) =>
            metadata.TryGetValue(name, out string? json) ? JsonSerializer.Deserialize<string[]>(json) : null;

        return new()
        {
            Step = long.Parse(metadata["step"], CultureInfo.InvariantCulture),
            Split = metadata["split"],
            Datapoints = TensorArrays.Vector<long>(tensors["datapoints"]),
            LogLikelihood = TensorArrays.Vector<float>(tensors["log_likelihood"]),
            LogProbability = Find("log_probability") is Tensor probability ? TensorArrays.Vector<float>(probability) : null,
            Tokens = Table<int>("inputs", real: false),
            Features = Table<float>("inputs", real: true),
            TargetClasses = Table<int>("targets", real: false),
            TargetValues = Table<float>("targets", real: true),
            PredictedClasses = Find("predictions") is Tensor predicted && !predicted.is_floating_point() ? TensorArrays.Vector<int>(predicted) : null,
            PredictedValues = Table<float>("predictions", real: true),
            Tasks = Find("tasks") is Tensor tasks ? TensorArrays.Vector<int>(tasks) : null,
            Labels = new(Labels("vocabulary"), Labels("classes"), Labels("tasks")),
            Layers = [.. JsonNode.Parse(metadata["layers"])!.AsArray().Select(layer =>
            {
                string name = layer!["name"]!.GetValue<string>();
                return new RoutingLayer(
                    name,
                    layer["modules"]!.GetValue<int>(),
                    layer["latent"]!.GetValue<bool>(),
                    (int[,,])TensorArrays.Of<int>(tensors[$"selections/{name}"]),
                    Find($"probabilities/{name}") is Tensor p ? (float[,,,])TensorArrays.Of<float>(p) : null,
                    Find($"weights/{name}") is Tensor w ? (float[,,])TensorArrays.Of<float>(w) : null)
                {
                    Pool = layer["pool"]?.GetValue<string>() ?? name,
                    Held = Find($"held/{name}") is Tensor held ? (int[,,])TensorArrays.Of<int>(held) : null,
                };
            })],
        };
    }

    private static Dictionary<string, string> Metadata(RoutingTrace trace)
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["format"] = Format,
            ["version"] = Version,
            ["step"] = trace.Step.ToString(CultureInfo.InvariantCulture),
            ["split"] = trace.Split,
            ["layers"] = new JsonArray([.. trace.Layers.Select(layer => new JsonObject
            {
                ["name"] = layer.Name,
                ["pool"] = layer.Pool,
                ["sites"] = layer.Times,
                ["choose"] = layer.Choose,
                ["modules"] = layer.Modules,
                ["latent"] = layer.Latent,
            })]).ToJsonString(Readable),
        };
        foreach ((string name, IReadOnlyList<string>? labels) in new[]
        {
            ("vocabulary", trace.Labels.Vocabulary), ("classes", trace.Labels.Classes), ("tasks", trace.Labels.Tasks),
        })
        {
            if (labels is not null)
            {
                metadata.Add(name, JsonSerializer.Serialize(labels, Readable));
            }
        }

        return metadata;
    }

    private static int[,]? Column(int[]? values)
    {
        if (values is null)
        {
            return null;
        }

        var column = new int[values.Length, 1];
        Buffer.BlockCopy(values, 0, column, 0, Buffer.ByteLength(values));
        return column;
    }
}
