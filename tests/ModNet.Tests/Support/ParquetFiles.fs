namespace ModNet.Tests

open System
open System.Collections.Generic
open System.Globalization
open System.IO
open System.Threading.Tasks
open ModNet.Runtime
open Parquet
open Parquet.Schema

/// One column of a table, as a Parquet file holds it: by its type.
type TypedColumn =
    | Doubles of float option list
    | Singles of float32 option list
    | Longs of int64 option list
    | Texts of string option list
    | Booleans of bool option list
    | Days of DateTime option list
    | Times of DateTime option list

/// Small tables, as Parquet files and as CSV.
[<AutoOpen>]
module ParquetFiles =

    let private finish (task: Task) = task.GetAwaiter().GetResult()

    let private nullable (values: 'T option list) = [| for value in values -> Option.toNullable value |]

    let private part (from: int) (count: int) (values: 'T list) = values |> List.skip from |> List.truncate count

    let private field (name: string) (column: TypedColumn) : DataField =
        match column with
        | Doubles _ -> DataField(name, typeof<float>, Nullable true)
        | Singles _ -> DataField(name, typeof<float32>, Nullable true)
        | Longs _ -> DataField(name, typeof<int64>, Nullable true)
        | Texts _ -> DataField(name, typeof<string>, Nullable true)
        | Booleans _ -> DataField(name, typeof<bool>, Nullable true)
        | Days _ -> DateTimeDataField(name, DateTimeFormat.Date, isNullable = Nullable true)
        | Times _ -> DateTimeDataField(name, DateTimeFormat.DateAndTimeMicros, isNullable = Nullable true)

    /// Writes rows in groups of so many.
    let writeParquet (path: string) (atOnce: int) (columns: (string * TypedColumn) list) : unit =
        let fields = [| for name, column in columns -> field name column |]
        let schema = ParquetSchema [| for field in fields -> field :> Field |]

        let rows =
            match snd columns.Head with
            | Doubles values -> values.Length
            | Singles values -> values.Length
            | Longs values -> values.Length
            | Texts values -> values.Length
            | Booleans values -> values.Length
            | Days values
            | Times values -> values.Length

        use file = File.Create path
        let writer = ParquetWriter.CreateAsync(schema, file).GetAwaiter().GetResult()

        for from in 0..atOnce .. rows - 1 do
            use group = writer.CreateRowGroup()

            for place, (_, column) in List.indexed columns do
                let numbers (values: 'T option list) =
                    group.WriteAsync<'T>(fields[place], ReadOnlyMemory(nullable (part from atOnce values)))

                match column with
                | Doubles values -> numbers values
                | Singles values -> numbers values
                | Longs values -> numbers values
                | Booleans values -> numbers values
                | Days values
                | Times values -> numbers values
                | Texts values ->
                    let texts = [| for value in part from atOnce values -> Option.toObj value |]
                    group.WriteAsync(fields[place], (texts :> IReadOnlyCollection<string>))
                |> finish

        finish (writer.DisposeAsync().AsTask())

    let private asTexts (column: TypedColumn) : string list =
        let each (text: 'T -> string) (values: 'T option list) = [
            for value in values -> value |> Option.map text |> Option.defaultValue ""
        ]

        let invariant (format: string) (value: IFormattable) = value.ToString(format, CultureInfo.InvariantCulture)

        match column with
        | Doubles values -> each (invariant "R") values
        | Singles values -> each (invariant "R") values
        | Longs values -> each (invariant "D") values
        | Texts values -> each (fun (text: string) -> "\"" + text.Replace("\"", "\"\"") + "\"") values
        | Booleans values -> each (fun yes -> if yes then "true" else "false") values
        | Days values -> each (invariant "yyyy-MM-dd") values
        | Times values -> each (invariant "yyyy-MM-ddTHH:mm:ss.FFFFFFZ") values

    /// The same as CSV.
    let writeCsv (path: string) (columns: (string * TypedColumn) list) : unit =
        let names = columns |> List.map (fun (name, _) -> $"\"{name}\"")

        columns
        |> List.map (snd >> asTexts)
        |> List.transpose
        |> List.map (String.concat ",")
        |> fun rows -> File.WriteAllLines(path, String.concat "," names :: rows)

    /// Every value of a file as its reader gives it, with the names.
    let readTable (path: string) : string list * string list list =
        TableReader.Reading(
            FileBytes.Read path,
            ',',
            true,
            fun reader ->
                let names = List.ofSeq reader.Names

                names,
                [
                    while reader.Read() do
                        [ for c in 0 .. reader.FieldCount - 1 -> reader.GetString c ]
                ]
        )
