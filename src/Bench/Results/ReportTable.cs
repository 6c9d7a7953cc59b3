using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>Results as text for a terminal.</summary>
public static class ReportTable
{
    /// <summary>Of a case the times, what they say of each other, and facts that are single values.</summary>
    public static string Of(BenchCase one)
    {
        var text = new StringBuilder().AppendLine(one.Name);
        int width = one.Timings.Select(t => t.Name).Concat(one.Ratios.Select(r => r.Name)).Max(n => (int?)n.Length) ?? 0;
        foreach (Timing timing in one.Timings)
        {
            Spread s = timing.Seconds;
            text.AppendLine($"  {timing.Name.PadRight(width)}  {Time(s.Median),10}   {Time(s.Minimum)} – {Time(s.Maximum)}");
        }

        foreach (Ratio ratio in one.Ratios)
        {
            Spread s = ratio.ByRound;
            string goal = ratio.Goal is null ? "" : $"   goal {ratio.Goal}";
            text.AppendLine($"  {ratio.Name.PadRight(width)}  {Times(ratio.Value),10}   {Times(s.Minimum)} – {Times(s.Maximum)}{goal}");
        }

        foreach ((string name, JsonNode? value) in one.Facts)
        {
            if (value is JsonValue)
            {
                text.AppendLine($"  {name.Replace('_', ' ')}: {value}");
            }
        }

        return text.ToString();
    }

    /// <summary>Seconds with a unit that suits.</summary>
    public static string Time(double seconds) => seconds switch
    {
        >= 1 => Digits(seconds) + " s",
        >= 1e-3 => Digits(seconds * 1e3) + " ms",
        >= 1e-6 => Digits(seconds * 1e6) + " µs",
        _ => Digits(seconds * 1e9) + " ns",
    };

    private static string Times(double ratio) => "× " + Digits(ratio);

    private static string Digits(double value) => value.ToString(
        value >= 100 ? "F0" : value >= 10 ? "F1" : "F2", CultureInfo.InvariantCulture);
}
