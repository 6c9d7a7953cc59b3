using System.Globalization;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What a run's bits depend on beside its experiment: a resumed run ends as an uninterrupted one under the same.</summary>
internal static class RunConditions
{
    /// <summary>As they are here and now, by name.</summary>
    internal static IReadOnlyDictionary<string, string> Here(Device device) => new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["threads"] = get_num_threads().ToString(CultureInfo.InvariantCulture),
        ["libtorch"] = Libtorch.Version,
        ["torchsharp"] = Libtorch.TorchSharpVersion,
        ["device"] = device.ToString(),
        ["processor"] = $"{RuntimeInformation.ProcessArchitecture}, {Machine.Simd()}",
    };

    /// <summary>What <paramref name="then"/> said otherwise; null where it said the same, or nothing.</summary>
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
