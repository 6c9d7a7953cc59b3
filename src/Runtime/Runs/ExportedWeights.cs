using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The weights of a graph alone, as <c>model.safetensors</c>: every parameter and running average under its plain name, without optimiser, a*
/// and random streams.
/// </summary>
public static class ExportedWeights
{
    /// <summary>The name of the file in a folder.</summary>
    public const string FileName = "model.safetensors";

    private const string Step = "step";

    /// <summary>Whether a folder has weights and no checkpoint of a run, which would count before them.</summary>
    public static bool IsIn(string folder) => File.Exists(Path.Combine(folder, FileName)) && !Checkpoint.IsIn(folder);

    /// <summary>Writes the weights of a graph, as they were after so many gradient steps, into a folder that exists.</summary>
    public static void Write(string folder, Graph graph, long step) => Safetensors.Write(
        Path.Combine(folder, FileName),
        graph.state_dict(),
        // `format` is what Python's loaders look for.
        new Dictionary<string, string> { ["format"] = "pt", [Step] = step.ToString(CultureInfo.InvariantCulture) });

    /// <summary>
    /// Loads the weights into a graph of the same architecture, on any device, and gives the step that they are of. UserException where they are
    /// damaged or of another architecture.
    /// </summary>
    public static long Load(string folder, Graph graph)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        string path = Path.Combine(folder, FileName);
        Dictionary<string, Tensor> tensors = Safetensors.Read(path, out IReadOnlyDictionary<string, string> metadata);
        Architecture.Load(new(path, tensors), graph, averaged: false);
        return long.TryParse(metadata.GetValueOrDefault(Step), NumberStyles.None, CultureInfo.InvariantCulture, out long step) ? step : 0;
    }
}
