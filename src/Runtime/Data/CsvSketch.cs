using System.Globalization;

namespace ModNet.Runtime;

/// <summary>A column of a table as one sees it at first sight. One of a type that no table may have, such as lists, has no values.</summary>
/// <param name="Name">Its name in the header.</param>
/// <param name="IsNumeric">Whether every value that is there is a finite number.</param>
/// <param name="IsWhole">Whether every value that is there is a whole number.</param>
/// <param name="IsDate">Whether every value that is there is a date of ISO 8601.</param>
/// <param name="HasMissing">Whether values are missing.</param>
/// <param name="Values">Its different values without a missing one, as long as there are at most <see cref="CsvSketch.MostValues"/>; null where there are more.</param>
public sealed record CsvColumnSketch(string Name, bool IsNumeric, bool IsWhole, bool IsDate, bool HasMissing, IReadOnlyList<string>? Values);

/// <summary>What a first script about a table has to know: its columns, its separator and how many rows there are.</summary>
/// <param name="Separator">What stands between two values of a CSV file; of a Parquet file, a comma.</param>
/// <param name="Rows">Rows of values, without the header.</param>
/// <param name="Columns">The columns in the file's order.</param>
public sealed record CsvSketch(char Separator, long Rows, IReadOnlyList<CsvColumnSketch> Columns)
{
    /// <summary>A column with more different values than this is not told by them.</summary>
    public const int MostValues = 50;

    private static readonly char[] Separators = [',', ';', '\t'];

    /// <summary>Reads a Parquet file, or a CSV file that begins with a header. The separator is the one of comma, semicolon and tab that the header has most of.</summary>
    /// <exception cref="UserException">There is no such file, it is neither Parquet nor CSV in UTF-8, or its rows differ in length.</exception>
    public static CsvSketch Of(string path)
    {
        FileBytes file = TableReader.BytesOf(path);
        char separator = SeparatorOf(file);
        return TableReader.Reading(file, separator, header: true, reader =>
        {
            string[] names = [.. reader.Names ?? []];
            Seen[] columns = Array.ConvertAll(names, _ => new Seen());
            long rows = 0;
            for (; reader.Read(); rows++)
            {
                if (reader.FieldCount != names.Length)
                {
                    throw new UserException(
                        $"{path}, {reader.Place}", $"{names.Length} values, as in the header", $"{reader.FieldCount}", "mend this row");
                }

                for (int c = 0; c < names.Length; c++)
                {
                    if (reader.IsReadable(c))
                    {
                        columns[c].Take(reader.GetString(c));
                    }
                }
            }

            return rows > 0
                ? new CsvSketch(separator, rows, [.. names.Zip(columns, (name, seen) => seen.Sketch(name))])
                : throw new UserException(path, "a header and rows of values", "no rows", "give a file with rows in it");
        });
    }

    // Of a Parquet file, whose values are not separated, the plain one.
    private static char SeparatorOf(FileBytes file)
    {
        if (ParquetReading.IsNamed(file.Path) || file.Bytes.AsSpan().StartsWith(ParquetReading.Magic))
        {
            return Separators[0];
        }

        ArraySegment<byte> text = PlainText.InUtf8(file.Path, file.Bytes);
        int end = text.AsSpan().IndexOf((byte)'\n');
        byte[] header = [.. end < 0 ? text : text[..end]];
        return Separators.MaxBy(s => header.Count(c => c == s));
    }

    private sealed class Seen
    {
        private readonly SortedSet<string> _values = new(StringComparer.Ordinal);
        private bool _numeric = true;
        private bool _whole = true;
        private bool _date = true;
        private bool _missing;
        private bool _present;

        internal void Take(string value)
        {
            if (value.Length == 0)
            {
                _missing = true;
                return;
            }

            _present = true;
            _date = _date && IsoDate.Days(value) is not null;
            _numeric = _numeric && double.TryParse(value, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number);
            _whole = _whole && long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _);
            if (_values.Count <= MostValues)
            {
                _values.Add(value);
            }
        }

        internal CsvColumnSketch Sketch(string name) => new(
            name, _present && _numeric, _present && _whole, _present && _date, _missing, _values.Count <= MostValues ? [.. _values] : null);
    }
}
