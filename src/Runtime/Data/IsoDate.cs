using System.Globalization;

namespace ModNet.Runtime;

/// <summary>Dates of ISO 8601, such as 2024-02-29 and 2024-02-29T12:30:00+01:00, as numbers.</summary>
internal static class IsoDate
{
    private static readonly string[] Formats =
    [
        "yyyy-MM-dd",
        "yyyy-MM-ddTHH:mmK", "yyyy-MM-ddTHH:mm:ssK", "yyyy-MM-ddTHH:mm:ss.FFFFFFFK",
        "yyyy-MM-dd HH:mmK", "yyyy-MM-dd HH:mm:ssK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK",
    ];

    /// <summary>
    /// The days from the beginning of 1970 to a date, with the part of the day as a fraction; null where the text is no date. Where it says no
    /// time zone, it is in UTC.
    /// </summary>
    internal static double? Days(string text) =>
        DateTimeOffset.TryParseExact(text, Formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset date)
            ? (double)(date.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerDay
            : null;
}
