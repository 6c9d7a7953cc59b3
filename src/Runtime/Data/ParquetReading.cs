using System.Globalization;
using Parquet;
using Parquet.Data;
using Parquet.Schema;

namespace ModNet.Runtime;

/// <summary>
/// A Parquet file, row by row: numbers, texts, booleans (<c>true</c> and <c>false</c>), dates and times, each as a CSV file would hold it, so that
/// all that is said of a table's columns means the same of both. A null is a missing value. Of each group of rows, only columns that are asked
/// for are read.
/// </summary>
internal sealed class ParquetReading : TableReader
{
    /// <summary>What the name of a Parquet file ends in.</summary>
    internal const string Ending = ".parquet";

    private readonly string _path;
    private readonly ParquetReader _reader;
    private readonly Field[] _fields;
    private readonly Func<long, string>?[] _columns;
    private readonly bool _header;
    private ParquetRowGroupReader? _group;
    private int _groups;
    private long _inGroup = -1;
    private long _row;

    /// <summary>Opens a file. UserException where it is damaged, or no Parquet.</summary>
    internal ParquetReading(FileBytes file, bool header)
    {
        (_path, _header) = (file.Path, header);
        if (!file.Bytes.AsSpan().StartsWith(Magic))
        {
            throw new UserException(
                _path, $"a Parquet file, as its name ends in {Ending}",
                file.Bytes.Length == 0 ? "an empty file" : "bytes that do not begin with `PAR1`",
                $"give a Parquet file, or name a CSV file so that it does not end in {Ending}");
        }

        _reader = Sound(() => ParquetReader.CreateAsync(new MemoryStream(file.Bytes, writable: false)));
        _fields = Sound(() => Task.FromResult(_reader.Schema.Fields.ToArray()));
        _columns = new Func<long, string>?[_fields.Length];
        DemandWhole(file.Bytes.Length);
    }

    /// <summary>What every Parquet file begins with.</summary>
    internal static ReadOnlySpan<byte> Magic => "PAR1"u8;

    internal override IReadOnlyList<string>? Names => _header ? [.. _fields.Select(f => f.Name)] : null;

    internal override int FieldCount => _fields.Length;

    internal override string Place => FormattableString.Invariant($"row {_row}");

    /// <summary>Whether a name is that of a Parquet file.</summary>
    internal static bool IsNamed(string path) => path.EndsWith(Ending, StringComparison.OrdinalIgnoreCase);

    internal override bool Read()
    {
        while (_group is null || ++_inGroup >= _group.RowCount)
        {
            if (_groups >= _reader.RowGroupCount)
            {
                return false;
            }

            _group?.Dispose();
            Array.Clear(_columns);
            _inGroup = -1;
            _group = Sound(() => Task.FromResult(_reader.OpenRowGroupReader(_groups++)));
        }

        _row++;
        return true;
    }

    internal override bool IsReadable(int column) => _fields[column] is DataField { IsArray: false } field && IsKnown(field);

    internal override string GetString(int column) => (_columns[column] ??= Column(column))(_inGroup);

    public override void Dispose()
    {
        _group?.Dispose();
        _reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    // Sizes that contradict each other would else make room for rows that are not there.
    private void DemandWhole(long bytes)
    {
        Parquet.Meta.FileMetaData said = _reader.Metadata!;
        string[] flat = [.. _fields.Where(f => f is DataField { IsArray: false }).Select(f => f.Name)];
        bool Fits(Parquet.Meta.ColumnMetaData? chunk, long rows) =>
            chunk is { DataPageOffset: >= 0, TotalCompressedSize: >= 0, NumValues: >= 0 }
            && chunk.TotalCompressedSize <= bytes
            && chunk.DataPageOffset <= bytes - chunk.TotalCompressedSize
            && (chunk.NumValues == rows || chunk.PathInSchema.Count > 1 || !flat.Contains(chunk.PathInSchema[0]));
        bool isWhole = said.NumRows == said.RowGroups.Sum(group => group.NumRows)
            && said.RowGroups.All(group =>
                group.NumRows is >= 0 and <= int.MaxValue && group.Columns.All(chunk => Fits(chunk.MetaData, group.NumRows)));
        if (!isWhole)
        {
            throw Damaged("sizes that contradict each other");
        }
    }

    private Func<long, string> Column(int column)
    {
        Field field = _fields[column];
        if (!IsReadable(column))
        {
            throw new UserException(
                $"{_path}, column {field.Name}", "numbers, texts, booleans, dates or times of a day and date",
                Kind(field), "write the column in another type, or name the other columns with `features`");
        }

        var data = (DataField)field;
        using RawColumnData read = Sound(async () => await _group!.ReadRawColumnDataBaseAsync(data).ConfigureAwait(false));
        return read switch
        {
            RawColumnData<double> values => Texts(values, data, value => value.ToString("R", CultureInfo.InvariantCulture)),
            RawColumnData<float> values => Texts(values, data, value => value.ToString("R", CultureInfo.InvariantCulture)),
            RawColumnData<bool> values => Texts(values, data, value => value ? "true" : "false"),
            RawColumnData<ReadOnlyMemory<char>> values => Texts(values, data, value => value.ToString()),
            RawColumnData<DateTime> values when data is DateTimeDataField { DateTimeFormat: DateTimeFormat.Date } =>
                Texts(values, data, value => value.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)),
            // Its own clock, whatever the machine's: a time without a zone is taken as UTC, as in CSV.
            RawColumnData<DateTime> values =>
                Texts(values, data, value => value.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFF", CultureInfo.InvariantCulture) + "Z"),
            RawColumnData<sbyte> values => Numbers(values, data),
            RawColumnData<byte> values => Numbers(values, data),
            RawColumnData<short> values => Numbers(values, data),
            RawColumnData<ushort> values => Numbers(values, data),
            RawColumnData<int> values => Numbers(values, data),
            RawColumnData<uint> values => Numbers(values, data),
            RawColumnData<long> values => Numbers(values, data),
            RawColumnData<ulong> values => Numbers(values, data),
            RawColumnData<decimal> values => Numbers(values, data),
            RawColumnData<Guid> values => Numbers(values, data),
            _ => throw Damaged($"column {field.Name} of another type than the file says"),
        };
    }

    private static bool IsKnown(DataField field) =>
        field is not TimeDataField
        && (field.ClrType == typeof(double) || field.ClrType == typeof(float) || field.ClrType == typeof(bool)
            || field.ClrType == typeof(ReadOnlyMemory<char>) || field.ClrType == typeof(DateTime) || field.ClrType == typeof(decimal)
            || field.ClrType == typeof(sbyte) || field.ClrType == typeof(byte) || field.ClrType == typeof(short) || field.ClrType == typeof(ushort)
            || field.ClrType == typeof(int) || field.ClrType == typeof(uint) || field.ClrType == typeof(long) || field.ClrType == typeof(ulong)
            || field.ClrType == typeof(Guid));

    private static string Kind(Field field) => field switch
    {
        ListField or DataField { IsArray: true } => "lists",
        MapField => "maps",
        StructField => "structures with columns of their own",
        TimeDataField => "times without a date",
        DataField { ClrType: Type type } when type == typeof(ReadOnlyMemory<byte>) => "bytes, which the file does not say to be text",
        DataField data => data.ClrType.Name,
        _ => field.SchemaType.ToString(),
    };

    private Func<long, string> Numbers<T>(RawColumnData<T> read, DataField field)
        where T : struct, IFormattable => Texts(read, field, value => value.ToString(null, CultureInfo.InvariantCulture));

    // The values that are there lie side by side; a level below the highest says that one is missing.
    private Func<long, string> Texts<T>(RawColumnData<T> read, DataField field, Func<T, string> text)
        where T : struct
    {
        long rows = _group!.RowCount;
        Span<T> there = read.Values;
        if (field.MaxDefinitionLevel == 0)
        {
            T[] all = there.Length >= rows ? there.ToArray() : throw Damaged($"column {field.Name} shorter than others");
            return row => text(all[row]);
        }

        Span<int> levels = read.DefinitionLevels;
        if (levels.Length < rows)
        {
            throw Damaged($"column {field.Name} shorter than others");
        }

        var values = new T?[rows];
        for (int row = 0, at = 0; row < rows; row++)
        {
            if (levels[row] == field.MaxDefinitionLevel)
            {
                values[row] = at < there.Length ? there[at++] : throw Damaged($"column {field.Name} shorter than others");
            }
        }

        return row => values[row] is T value ? text(value) : "";
    }

    private UserException Damaged(string what) => new(
        _path, "a whole Parquet file of a flat table", what, "write the file again, with columns of numbers, texts, booleans and dates");

    // A damaged file can make the library throw anything.
    private T Sound<T>(Func<Task<T>> read)
    {
        try
        {
            return read().GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is not UserException)
        {
            throw Damaged(e.Message.Split('\n')[0].TrimEnd('.', '\r'));
        }
    }
}
