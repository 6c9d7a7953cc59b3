namespace ModNet

open System
open System.Collections.Generic
open System.Globalization
open System.IO
open System.Text.Encodings.Web
open System.Text.Json
open ModNet.Runtime

/// One value of a row of predictions.
[<RequireQualifiedAccess>]
type internal PredictedValue =
    | Nothing
    | Text of string
    | Whole of int64
    | Real of float32
    /// The modules that ran at a site, from 0.
    | Modules of int64 array

/// What a row of predictions says.
[<RequireQualifiedAccess>]
type internal PredictedField =
    | One of name: string * value: PredictedValue
    /// Values by the names of what they are of: in CSV a column `NAME:OF` for each, in JSON an object.
    | Several of name: string * values: (string * PredictedValue) list
    /// The most probable classes of a row, the first one first: in CSV two columns for each place, in JSON an object.
    | Ranked of (string * float32) list

/// How predictions are written: CSV (RFC 4180) with a header, a JSON object on each line, or Parquet with the columns that CSV has.
[<RequireQualifiedAccess>]
type internal PredictionFormat =
    | Csv
    | JsonLines
    | Parquet

module internal PredictionFile =

    /// The format that a file's ending names. Raises UserException for another ending.
    let formatOf (path: string) : PredictionFormat =
        match Path.GetExtension(path).ToLowerInvariant() with
        | ".csv" -> PredictionFormat.Csv
        | ".jsonl" -> PredictionFormat.JsonLines
        | ".parquet" -> PredictionFormat.Parquet
        | _ ->
            Refusal.refuse
                "--out"
                "a file that ends in .csv, .jsonl or .parquet"
                path
                "name the file by what it shall hold"

    let private number (value: float32) = value.ToString("R", CultureInfo.InvariantCulture)

    let private text (cell: PredictedValue) =
        match cell with
        | PredictedValue.Nothing -> ""
        | PredictedValue.Text text -> CsvCell.quoted text
        | PredictedValue.Whole number -> number.ToString CultureInfo.InvariantCulture
        | PredictedValue.Real value -> number value
        | PredictedValue.Modules modules -> String.Join(' ', modules)

    let private columns (field: PredictedField) : (string * PredictedValue) list =
        match field with
        | PredictedField.One(name, value) -> [ name, value ]
        | PredictedField.Several(name, values) -> [ for of', value in values -> $"{name}:{of'}", value ]
        | PredictedField.Ranked ranked -> [
            for place, (name, probability) in List.indexed ranked do
                $"class{place + 1}", PredictedValue.Text name
                $"probability{place + 1}", PredictedValue.Real probability
          ]

    let private csv (writer: TextWriter) (rows: PredictedField list seq) =
        let line (values: string seq) =
            writer.Write(String.Join(',', values))
            writer.Write '\n'

        rows
        |> Seq.iteri (fun place row ->
            let columns = List.collect columns row
            if place = 0 then columns |> List.map (fst >> CsvCell.quoted) |> line
            columns |> List.map (snd >> text) |> line)

    // Read by JSON parsers and never pasted into a page.
    let private options = JsonWriterOptions(Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping)

    let private value (json: Utf8JsonWriter) (cell: PredictedValue) =
        match cell with
        | PredictedValue.Nothing -> json.WriteNullValue()
        | PredictedValue.Text text -> json.WriteStringValue text
        | PredictedValue.Whole number -> json.WriteNumberValue number
        | PredictedValue.Real value when Single.IsFinite value -> json.WriteNumberValue value
        | PredictedValue.Real _ -> json.WriteNullValue()
        | PredictedValue.Modules modules ->
            json.WriteStartArray()
            Array.iter (fun (number: int64) -> json.WriteNumberValue number) modules
            json.WriteEndArray()

    let private jsonField (json: Utf8JsonWriter) (field: PredictedField) =
        let object (name: string) (values: (string * PredictedValue) list) =
            json.WriteStartObject name

            for of', cell in values do
                json.WritePropertyName(of': string)
                value json cell

            json.WriteEndObject()

        match field with
        | PredictedField.One(_, PredictedValue.Nothing) -> ()
        | PredictedField.One(name, cell) ->
            json.WritePropertyName name
            value json cell
        | PredictedField.Several(name, values) -> object name values
        | PredictedField.Ranked ranked -> object "probability" [ for name, p in ranked -> name, PredictedValue.Real p ]

    let private jsonLines (stream: Stream) (rows: PredictedField list seq) =
        for row in rows do
            use json = new Utf8JsonWriter(stream, options)
            json.WriteStartObject()
            List.iter (jsonField json) row
            json.WriteEndObject()
            json.Flush()
            stream.WriteByte(byte '\n')

    /// Numbers as numbers; of several modules the text that CSV has.
    let private typed (cell: PredictedValue) : obj =
        match cell with
        | PredictedValue.Nothing -> null
        | PredictedValue.Text text -> text
        | PredictedValue.Whole number -> number
        | PredictedValue.Real value -> value
        | PredictedValue.Modules [| one |] -> one
        | PredictedValue.Modules several -> String.Join(' ', several)

    let private parquet (stream: Stream) (rows: PredictedField list seq) =
        let cells (row: PredictedField list) : IReadOnlyList<struct (string * obj)> = [|
            for name, cell in List.collect columns row -> struct (name, typed cell)
        |]

        ParquetTable.Write(stream, Seq.map cells rows)

    /// Writes the rows, all of which have the same fields.
    let write (format: PredictionFormat) (stream: Stream) (rows: PredictedField list seq) : unit =
        match format with
        | PredictionFormat.JsonLines -> jsonLines stream rows
        | PredictionFormat.Parquet -> parquet stream rows
        | PredictionFormat.Csv ->
            use writer = new StreamWriter(stream, leaveOpen = true)
            csv writer rows
