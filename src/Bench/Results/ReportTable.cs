using System.Globalization;
using System.Text;

namespace ModNet.Bench;

/// <summary>Results as text for a terminal.</summary>
public static class ReportTable
{
    /// <summary>Of every case the times, what they say of each other, and facts that are single values.</summary>
    public static string Of(BenchReport report)
    {
        var text = new StringBuilder();
        foreach (BenchCase each in report.Cases)
        {
            text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"{each.Name}");
            int width = Width(each.Timings.Select(t => t.Name).Concat(each.Ratios.Select(r => r.Name)));
            foreach (Timing timing in each.Timings)
            {
                Spread s = timing.Seconds;
                text.AppendLine($"  {timing.Name.PadRight(width)}  {Time(s.Median),10}   {Time(s.Minimum)} – {Time(s.Maximum)}");
            }

            foreach (Ratio ratio in each.Ratios)
            {
                Spread s = ratio.ByRound;
                string goal = ratio.Goal is null ? "" : $"   goal {ratio.Goal}";
                text.AppendLine($"  {ratio.Name.PadRight(width)}  {Times(ratio.Value),10}   {Times(s.Minimum)} – {Times(s.Maximum)}{goal}");
            }

            foreach ((string name, var value) in each.Facts)
            {
                if (value is System.Text.Json.Nodes.JsonValue)
                {
                    text.AppendLine($"  {name.Replace('_', ' ')}: {value}");
                }
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

    private static int Width(IEnumerable<string> names) => names.Select(n => n.Length).DefaultIfEmpty(0).Max();
}
