using System.Globalization;
using System.Numerics;

namespace ModNet.Runtime;

/// <summary>The order in which labels are numbered.</summary>
internal static class LabelOrder
{
    /// <summary>
    /// The distinct labels in order. Labels that are all numbers are ordered as numbers. UserException, with
    /// <paramref name="place"/>, where a number is written in several ways, such as 1 and 1.0: nobody means these as two classes.
    /// </summary>
    internal static string[] Ordered(IReadOnlyList<string> labels, string place)
    {
        string[] distinct = [.. labels.Distinct(StringComparer.Ordinal)];
        if (distinct.Where(l => Number(l) is not null).GroupBy(Canonical).FirstOrDefault(g => g.Count() > 1) is { } alike)
        {
            throw new UserException(
                place, "each label written in one way",
                string.Join(" and ", alike.Order(StringComparer.Ordinal).Select(l => $"`{l}`")) + ", which are the same number",
                "write them alike, or with a letter before each if they are different names");
        }

        return distinct.All(l => Number(l) is not null)
            ? [.. distinct.OrderBy(l => Number(l)!.Value).ThenBy(l => l, StringComparer.Ordinal)]
            : [.. distinct.Order(StringComparer.Ordinal)];
    }

    private static double? Number(string label) =>
        double.TryParse(label, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
            ? value
            : null;

    // Exactly, because labels may be longer than a double: the digits without zeros around them, and the place of the last one.
    private static (bool Negative, string Digits, BigInteger Exponent) Canonical(string number)
    {
        string[] parts = number.Trim().ToLowerInvariant().Split('e');
        string[] mantissa = parts[0].TrimStart('+', '-').Split('.');
        string fraction = mantissa.ElementAtOrDefault(1) ?? "";
        string digits = (mantissa[0] + fraction).TrimStart('0');
        string whole = digits.TrimEnd('0');
        BigInteger exponent = parts.Length > 1 ? BigInteger.Parse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : 0;
        return whole.Length == 0
            ? (false, "", 0)
            : (number.TrimStart().StartsWith('-'), whole, exponent - fraction.Length + digits.Length - whole.Length);
    }
}
