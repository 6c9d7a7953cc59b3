using System.Globalization;

namespace ModNet.Runtime;

/// <summary>Turns labels into class numbers.</summary>
internal static class LabelNumbers
{
    /// <summary>The distinct labels in order, and each label's place among them. Labels that are all numbers are ordered as numbers.</summary>
    internal static (string[] Labels, long[] Numbers) Of(IReadOnlyList<string> labels)
    {
        string[] distinct = [.. labels.Distinct(StringComparer.Ordinal)];
        string[] ordered = distinct.All(l => Number(l) is not null)
            ? [.. distinct.OrderBy(l => Number(l)!.Value).ThenBy(l => l, StringComparer.Ordinal)]
            : [.. distinct.Order(StringComparer.Ordinal)];
        var numbers = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (string label in ordered)
        {
            numbers.Add(label, numbers.Count);
        }

        return (ordered, [.. labels.Select(l => numbers[l])]);
    }

    private static double? Number(string label) =>
        double.TryParse(label, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
            ? value
            : null;
}
