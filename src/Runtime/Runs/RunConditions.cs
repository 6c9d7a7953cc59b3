using System.Globalization;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The conditions, beside its experiment, on which a run's bits depend. A resumed run ends like an uninterrupted one if they are the same.</summary>
internal static class RunConditions
{
    /// <summary>The conditions here and now, by name.</summary>
    internal static IReadOnlyDictionary<string, string> Here(Device device) => new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["threads"] = get_num_threads().ToString(CultureInfo.InvariantCulture),
        ["libtorch"] = Libtorch.Version,
        ["torchsharp"] = Libtorch.TorchSharpVersion,
        ["device"] = device.ToString(),
        ["processor"] = $"{RuntimeInformation.ProcessArchitecture}, {Machine.Simd()}",
    };

    /// <summary>Names the conditions that differ from those in <paramref name="then"/>; null where none does.</summary>
    internal static string? Difference(IReadOnlyDictionary<string, string> then, Device device)
    {
        string[] others =
        [
            .. Here(device)
                .Where(now => then.TryGetValue(now.Key, out string? value) && value != now.Value)
                .Select(now => $"{now.Key} {then[now.Key]}, not {now.Value}"),
        ];
        return others.Length > 0 ? string.Join("; ", others) : null;
    }
}
