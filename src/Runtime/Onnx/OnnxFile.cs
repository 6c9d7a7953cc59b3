using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;
using Onnx;
using TorchSharp;
using DataType = Onnx.TensorProto.Types.DataType;

namespace ModNet.Runtime;

/// <summary>An input or output of an ONNX file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">The type of its values, such as <c>float32</c>.</param>
/// <param name="Shape">Its dimensions, such as <c>[batch, 4]</c>.</param>
public sealed record OnnxPort(string Name, string Type, string Shape);

/// <summary>What an ONNX file reads and gives.</summary>
public sealed record OnnxPorts(IReadOnlyList<OnnxPort> Inputs, IReadOnlyList<OnnxPort> Outputs);

/// <summary>
/// A trained network as an ONNX file, which other programs run without ModNet. It reads x as the data have it, prepares it as the run's data were
/// prepared, chooses the most probable module of every position, and gives the parameters of p(y|x, a) and the modules that ran.
/// </summary>
/// <example><code>OnnxFile.Write("model.onnx", graph, new ModeSelector(), [4]);</code></example>
public static class OnnxFile
{
    /// <summary>The name of the file in a folder.</summary>
    public const string FileName = "model.onnx";

    // A protobuf message holds less than 2 GiB; the rest is for operators and names.
    private const long MostBytes = int.MaxValue - (64L << 20);

    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the file, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="graph">The network, in evaluation mode.</param>
    /// <param name="selector">How modules are chosen: the most probable ones, or the same for all datapoints.</param>
    /// <param name="row">The shape of one datapoint of the network's input, [in], [C, H, W], or [−1, in] for sequences of vectors; empty where it reads token ids [B, T].</param>
    /// <param name="preparation">What turns data as they are outside into the network's input; null where they are that already.</param>
    /// <exception cref="UserException">A layer is not covered, or modules are chosen in another way; the message names it.</exception>
    public static OnnxPorts Write(string path, Graph graph, Selector selector, long[] row, Preparation? preparation = null)
    {
        if (selector is not (ModeSelector or SameModulesSelector))
        {
            throw new UserException(
                "train", "a method that runs the most probable modules, or always the same ones", "one that weighs several modules by a gate",
                "export without --format onnx, which writes the weights of any network");
        }

        long bytes = graph.parameters().Sum(p => p.numel()) * sizeof(float);
        if (bytes > MostBytes)
        {
            throw new UserException(
                path, "weights of less than 2 GB, the most that an ONNX file can hold", FormattableString.Invariant($"{bytes:N0} bytes"),
                "export without --format onnx");
        }

        var onnx = new OnnxGraph(selector) { GivenChoices = graph.GivenChoices };
        OnnxValue x = OnnxInputs.Prepared(onnx, row, preparation);
        foreach (Node node in graph.Nodes)
        {
            x = onnx.Run(node, x);
        }

        graph.Head.ToOnnx(onnx, x);
        onnx.OutputModules();
        var model = new ModelProto
        {
            // ONNX 1.12, of the same time as the operators.
            IrVersion = 8,
            ProducerName = "ModNet",
            ProducerVersion = typeof(OnnxFile).Assembly.GetName().Version!.ToString(3),
            Graph = onnx.Messages,
            OpsetImport = { new OperatorSetIdProto { Version = OnnxGraph.Opset } },
        };
        model.MetadataProps.Add(Metadata(graph, preparation).Select(m => new StringStringEntryProto { Key = m.Key, Value = m.Value }));
        WholeFile.Write(path, stream => model.WriteTo(stream));
        return new([.. onnx.Messages.Input.Select(Port)], [.. onnx.Messages.Output.Select(Port)]);
    }

    // Names are JSON: they may hold any character.
    private static IEnumerable<(string Key, string Value)> Metadata(Graph graph, Preparation? preparation)
    {
        (string, IReadOnlyList<string>?)[] names =
        [
            ("classes", preparation?.Classes), ("words", preparation?.Words), ("tasks", preparation?.Tasks), ("columns", preparation?.Columns),
        ];
        foreach ((string key, IReadOnlyList<string>? all) in names)
        {
            if (all is not null)
            {
                yield return (key, JsonSerializer.Serialize(all, Json));
            }
        }

        if (preparation?.Levels is { } levels)
        {
            yield return ("levels", JsonSerializer.Serialize(levels.ToDictionary(l => l.Column, l => l.Levels), Json));
        }

        if (graph.Head is GaussianHead gaussian)
        {
            double deviation = Math.Exp(0.5 * gaussian.LogVariance.ToDouble());
            yield return ("deviation", deviation.ToString("R", CultureInfo.InvariantCulture));
        }
    }

    private static OnnxPort Port(ValueInfoProto value)
    {
        TypeProto.Types.Tensor tensor = value.Type.TensorType;
        string type = (DataType)tensor.ElemType switch
        {
            DataType.Float => "float32",
            DataType.Double => "float64",
            DataType.Int64 => "int64",
            DataType.Uint8 => "uint8",
            DataType other => other.ToString(),
        };
        IEnumerable<string> shape = tensor.Shape.Dim.Select(d => d.DimParam.Length > 0 ? d.DimParam : FormattableString.Invariant($"{d.DimValue}"));
        return new(value.Name, type, $"[{string.Join(", ", shape)}]");
    }
}
