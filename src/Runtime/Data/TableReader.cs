using CsvHelper;

namespace ModNet.Runtime;

/// <summary>
/// Reads a table row by row, its values as texts, whatever the format of its file: a file whose name ends in <c>.parquet</c> is Parquet, every
/// other one CSV. An empty text stands for a missing value.
/// </summary>
internal abstract class TableReader : IDisposable
{
    /// <summary>The names of the columns; null before the header was read, or where there is none.</summary>
    internal abstract IReadOnlyList<string>? Names { get; }

    /// <summary>The number of values in the present row.</summary>
    internal abstract int FieldCount { get; }

    /// <summary>The present row, as messages name it: <c>line 3</c>.</summary>
    internal abstract string Place { get; }

    /// <summary>Goes on to the next row; false where there is none.</summary>
    internal abstract bool Read();

    /// <summary>Whether a column's type is one that a table may have.</summary>
    internal virtual bool IsReadable(int column) => true;

    /// <summary>A value of the present row. UserException where its type is none that a table may have.</summary>
    internal abstract string GetString(int column);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>All bytes of a file. UserException where there is none.</summary>
    internal static FileBytes BytesOf(string path) => File.Exists(path)
        ? FileBytes.Read(path)
        : throw new UserException(
            path, "a CSV or Parquet file", Directory.Exists(path) ? "a directory" : NearWord.NothingAt(path),
            "give an existing file with --data");

    /// <summary>
    /// Reads a file row by row. With <paramref name="header"/>, columns have names: those of the first row of a CSV file, or of a Parquet file.
    /// UserException where the file is damaged, or none.
    /// </summary>
    internal static TResult Reading<TResult>(FileBytes file, char separator, bool header, Func<TableReader, TResult> read)
    {
        if (ParquetReading.IsNamed(file.Path))
        {
            using var parquet = new ParquetReading(file, header);
            return read(parquet);
        }

        if (file.Bytes.AsSpan().StartsWith(ParquetReading.Magic))
        {
            throw new UserException(
                file.Path, "a CSV file", "a Parquet file", $"rename it, so that its name ends in {ParquetReading.Ending}");
        }

        return CsvReading.Of(file, separator, header, read);
    }

    private sealed class CsvReading(CsvReader reader, bool header) : TableReader
    {
        private bool _begun;

        internal static TResult Of<TResult>(FileBytes file, char separator, bool header, Func<TableReader, TResult> read)
        {
            var options = new CsvReaderOptions
            {
                Separator = separator,
                HasHeader = header,
                TrimWhitespace = true,
                TrackLineNumbers = true,
                MalformedData = CsvMalformedDataHandling.Throw,
            };
            try
            {
                using CsvReader reader = CsvReader.Create(PlainText.InUtf8(file.Path, file.Bytes), options);
                using var table = new CsvReading(reader, header);
                return read(table);
            }
            catch (CsvFormatException e)
            {
                string what = e.Message[(e.Message.IndexOf(": ", StringComparison.Ordinal) + 2)..];
                throw new UserException(
                    $"{file.Path}, line {e.LineNumber}", "values with quotes, if any, around the whole of them", what, "mend this row");
            }
        }

        internal override IReadOnlyList<string>? Names
        {
            get
            {
                Begin();
                return header && reader.Headers is { Count: > 0 } names ? names : null;
            }
        }

        internal override int FieldCount => reader.FieldCount;

        internal override string Place => $"line {reader.LineNumber}";

        internal override bool Read()
        {
            Begin();
            return reader.Read();
        }

        internal override string GetString(int column) => reader.GetString(column);

        public override void Dispose()
        {
        }

        private void Begin()
        {
            if (header && !_begun)
            {
                reader.ReadHeader();
            }

            _begun = true;
        }
    }
}
