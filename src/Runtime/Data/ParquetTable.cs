using Parquet;
using Parquet.Schema;

namespace ModNet.Runtime;

/// <summary>Writes a table as a Parquet file.</summary>
/// <example><code>ParquetTable.Write(stream, [[("name", "iris"), ("length", 1.5f)], [("name", "rose"), ("length", null)]]);</code></example>
public static class ParquetTable
{
    private const int RowsAtOnce = 65_536;

    /// <summary>
    /// Writes rows, which all have the same columns: texts, whole numbers (<see cref="long"/>), real numbers (<see cref="float"/>), or null for a
    /// missing value. A column has the type of its first value among the first 65,536 rows. ArgumentException where a value has another, or there
    /// is no row.
    /// </summary>
    public static void Write(Stream stream, IEnumerable<IReadOnlyList<(string Column, object? Value)>> rows)
    {
        ParquetWriter? writer = null;
        DataField[] fields = [];
        foreach (IReadOnlyList<(string Column, object? Value)>[] group in rows.Chunk(RowsAtOnce))
        {
            if (writer is null)
            {
                fields = [.. group[0].Select((first, place) => new DataField(first.Column, TypeOf(group, place), isNullable: true))];
                writer = ParquetWriter.CreateAsync(new ParquetSchema(fields), stream).GetAwaiter().GetResult();
            }

            using ParquetRowGroupWriter part = writer.CreateRowGroup();
            for (int place = 0; place < fields.Length; place++)
            {
                DataField field = fields[place];
                Task written = field.ClrType == typeof(long) ? WriteAll<long>(part, field, group, place)
                    : field.ClrType == typeof(float) ? WriteAll<float>(part, field, group, place)
                    : part.WriteAsync(field, Array.ConvertAll(group, row => Typed<string>(row[place])!));
                written.GetAwaiter().GetResult();
            }
        }

        if (writer is null)
        {
            throw new ArgumentException("rows: expected at least one, got none – give the first row, which names the columns");
        }

        writer.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private static Type TypeOf(IReadOnlyList<(string Column, object? Value)>[] rows, int place) =>
        rows.Select(row => row[place].Value).FirstOrDefault(value => value is not null)?.GetType() ?? typeof(string);

    private static Task WriteAll<T>(ParquetRowGroupWriter part, DataField field, IReadOnlyList<(string Column, object? Value)>[] rows, int place)
        where T : struct =>
        part.WriteAsync<T>(field, new ReadOnlyMemory<T?>(Array.ConvertAll(rows, row => row[place].Value is null ? default(T?) : Typed<T>(row[place]))));

    private static T? Typed<T>((string Column, object? Value) cell) => cell.Value switch
    {
        null => default,
        T typed => typed,
        object other => throw new ArgumentException(
            $"column {cell.Column}: expected {typeof(T).Name}, got {other.GetType().Name} – give a column one type"),
    };
}
