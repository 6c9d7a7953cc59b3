/// Parquet files: as data, and as what is written.
module ModNet.Tests.ParquetTests

open System
open System.IO
open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Runtime
open ModNet.Tests.Clone
open ModNet.Tests.Mutations
open TorchSharp

let private optional (gen: FsCheck.Gen<'a>) = Gen.frequency [ 4, Gen.map Some gen; 1, Gen.constant None ]

/// Columns of each type, of as many rows, of which the first has all its values; a date far off, and numbers of all sizes.
let private table =
    gen {
        let! rows = Gen.choose (6, 40)

        let column (first: 'a) (gen: FsCheck.Gen<'a>) =
            gen |> optional |> Gen.listOfLength rows |> Gen.map (fun l -> Some first :: l)

        let! doubles =
            Gen.map2 (fun i e -> float i * Math.Pow(10.0, float e)) (Gen.choose (-9999, 9999)) (Gen.choose (-9, 9))
            |> column 1.5

        let! singles = Gen.choose (-9999, 9999) |> Gen.map (fun i -> float32 i / 7f) |> column 2f
        let! longs = Gen.choose (-3, 3) |> Gen.map int64 |> column 1L
        let! texts = Gen.elements [ "red"; "blue"; "green, \"light\""; "10" ] |> column "red"
        let! booleans = Gen.elements [ true; false ] |> column true

        let! days =
            Gen.choose (-40_000, 40_000) |> Gen.map (fun d -> DateTime.UnixEpoch.AddDays d) |> column DateTime.UnixEpoch

        let! times =
            Gen.choose (-1_000_000_000, 1_000_000_000)
            |> Gen.map (fun s -> DateTime.UnixEpoch.AddSeconds(float s).AddTicks(int64 s * 10L))
            |> column DateTime.UnixEpoch

        let whole (values: 'a list) = values |> List.map Some

        let! classes =
            Gen.elements [ "a"; "b" ] |> Gen.listOfLength (rows - 1) |> Gen.map (fun l -> whole ("a" :: "b" :: l))

        let! y =
            Gen.choose (-50, 50) |> Gen.map (fun i -> float i / 4.0) |> Gen.listOfLength (rows + 1) |> Gen.map whole

        let! atOnce = Gen.choose (1, rows + 2)

        return
            atOnce,
            [
                "double", Doubles doubles
                "class", Texts classes
                "single", Singles singles
                "long", Longs longs
                "text", Texts texts
                "boolean", Booleans booleans
                "day", Days days
                "y", Doubles y
                "time", Times times
            ]
    }

let private all (values: torch.Tensor) = List.ofSeq values.shape, numbers values

let private contents (data: LoadedData) = [
    for part in Seq.concat [ Seq.singleton data.Splits.Train; data.Splits.Validation; data.Splits.Test ] do
        all part.Inputs
        all part.Targets
        if not (isNull part.Side) then all part.Side.Tasks
]

/// What is loaded: tensors, names, levels, and by what columns are filled and scaled.
let private described (data: LoadedData) =
    let preparation = data.Preparation
    let list (values: 'a seq) = if isNull values then [] else List.ofSeq values

    contents data,
    data.Dropped,
    list preparation.Columns,
    list preparation.Classes,
    list preparation.Tasks,
    list preparation.Fill,
    [ for level in list preparation.Levels -> level.Column, List.ofSeq level.Levels, level.Coded ],
    (if isNull preparation.Scaling then
         [], []
     else
         list preparation.Scaling.Mean, list preparation.Scaling.Deviation)

let private layout (missing: CsvMissing) (isClass: bool) =
    CsvLayout(
        Targets = [| (if isClass then "class" else "y") |],
        Classes = (if isClass then Nullable 2 else Nullable()),
        Features = [| "single"; "day"; "text"; "double"; "boolean"; "time" |],
        Categorical = [| "text"; "boolean" |],
        Dates = [| "day"; "time" |],
        Missing = missing,
        Task = "long"
    )

/// Written by another library, Arrow's own in C++ (`parquet-cpp-arrow version 25.0.1`), with a codec or an encoding of its own for most columns.
let private arrow = Path.Combine(root, "tests", "ModNet.Tests", "Runtime", "Data", "arrow.parquet")

let private small = [
    "a", Doubles [ Some 1.0; Some 2.0; Some 3.0; Some 4.5; Some 5.0; Some 6.0 ]
    "day", Days [ for i in 1..6 -> Some(DateTime(2024, 1, i, 0, 0, 0, DateTimeKind.Utc)) ]
    "y", Doubles [ for i in 1..6 -> Some(float i) ]
]

let private load (layout: CsvLayout) (path: string) = CsvFile.Load(path, layout, 0.0, 0.0, false, 1L).Splits.Dispose()

[<Tests>]
let tests =
    testSequenced
    <| testList "parquet" [
        testPropertyWithConfig
            { FsCheckConfig.defaultConfig with replay = Some(8701UL, 1UL, None); maxTest = 60 }
            "a table gives the same tensors, names and first sight as Parquet and as CSV"
        <| Prop.forAll
            (Arb.fromGen (
                Gen.zip3
                    table
                    (Gen.elements [ CsvMissing.Mean; CsvMissing.Drop ])
                    (Gen.zip (Gen.elements [ true; false ]) (Gen.elements [ true; false ]))
            ))
            (fun ((atOnce, columns), missing, (standardise, isClass)) ->
                // A task id may not be missing.
                let columns =
                    columns
                    |> List.map (function
                        | name, Longs values -> name, Longs(values |> List.map (Option.orElse (Some 0L)))
                        | other -> other)

                inDirectory
                <| fun directory ->
                    let parquet, csv = Path.Combine(directory, "x.parquet"), Path.Combine(directory, "x.csv")
                    writeParquet parquet atOnce columns
                    writeCsv csv columns
                    Expect.equal (readTable parquet) (readTable csv) "value by value"

                    let sketch (path: string) = [
                        for column in CsvSketch.Of(path).Columns ->
                            string column, List.ofSeq (Option.ofObj column.Values |> Option.defaultValue [||])
                    ]

                    Expect.equal (sketch parquet) (sketch csv) "first sight"
                    let layout = layout missing isClass

                    let loaded (path: string) =
                        try
                            use data = CsvFile.Load(path, layout, 0.2, 0.2, standardise, 3L)
                            Ok(described data)
                        with :? UserException as refused ->
                            // Too few whole rows to hold some out, say.
                            Error(refused.Message.Replace(path, "x"))

                    match loaded parquet, loaded csv with
                    | Ok parquet, Ok csv -> Expect.equal parquet csv "the same data"
                    | Error parquet, Error csv -> Expect.equal parquet csv "the same refusal"
                    | parquet, csv -> failtest $"{parquet} and {csv}")

        testCase "a file of another writer: types, codecs, encodings, nulls, two groups of rows"
        <| fun () ->
            let names = [
                "double"
                "float"
                "int"
                "long"
                "short"
                "ulong"
                "string"
                "bool"
                "date"
                "utc"
                "local"
                "nanos"
                "decimal"
            ]

            let found =
                TableReader.Reading(
                    FileBytes.Read arrow,
                    ',',
                    true,
                    fun reader -> [
                        Expect.equal (Seq.truncate names.Length reader.Names |> List.ofSeq) names "names"

                        while reader.Read() do
                            [ for c in 0 .. names.Length - 1 -> reader.GetString c ]
                    ]
                )

            let day, time = "2024-02-29", "2024-02-29T12:30:00Z"

            Expect.equal
                found
                [
                    [
                        "1.5"
                        "1.1"
                        "1"
                        ""
                        "1"
                        "1"
                        "red"
                        "true"
                        day
                        time
                        time
                        "1970-01-01T00:00:00.1234567Z"
                        "1.5"
                    ]
                    [
                        "-2.25E-300"
                        ""
                        "-2"
                        "5"
                        "2"
                        "2"
                        ""
                        ""
                        "1969-12-31"
                        "1960-01-01T00:00:00Z"
                        ""
                        "1970-01-01T00:00:00Z"
                        "-2.125"
                    ]
                    [
                        "0"
                        "3"
                        "3"
                        "6"
                        "-3"
                        "18446744073709551615"
                        "ü, \"x\""
                        "false"
                        "0001-01-01"
                        "1970-01-01T00:00:01.234567Z"
                        "1970-01-01T00:00:00.005Z"
                        "1970-01-01T00:00:00.000001Z"
                        "0"
                    ]
                    [
                        "1000000000000000"
                        ""
                        "4"
                        "9223372036854775807"
                        "4"
                        "0"
                        ""
                        "true"
                        "2000-01-01"
                        "1970-01-01T00:00:00Z"
                        "1970-01-01T00:00:00Z"
                        "1970-01-01T00:00:00.0000001Z"
                        "7"
                    ]
                ]
                "value by value"

        testInDirectory "columns of types that a table cannot have do no harm until they are asked for"
        <| fun directory ->
            use fine =
                CsvFile.Load(arrow, CsvLayout(Targets = [| "double" |], Features = [| "int" |]), 0.0, 0.0, false, 1L)

            Expect.equal (numbers fine.Splits.Train.Inputs |> Array.sort) [| -2.0; 1.0; 3.0; 4.0 |] "inputs"

            for column, what in [ "time", "times without a date"; "bytes", "bytes, which"; "list", "lists" ] do
                complains (fun () -> load (CsvLayout(Targets = [| "double" |], Features = [| column |])) arrow) [
                    $"arrow.parquet, column {column}: expected numbers, texts, booleans, dates"
                    what
                    "with `features`"
                ]

            let sketched = [
                for column in CsvSketch.Of(arrow).Columns -> column.Name, column.IsNumeric || column.IsDate
            ]

            Expect.containsAll sketched [ "int", true; "utc", true; "list", false; "bytes", false ] "first sight"

        testInDirectory "bad input: one message each"
        <| fun directory ->
            let path = Path.Combine(directory, "x.parquet")
            let layout = CsvLayout(Targets = [| "y" |], Features = [| "a" |])
            let refused (layout: CsvLayout) parts = complains (fun () -> load layout path) (path :: parts)

            complains (fun () -> load layout path) [ "expected a CSV or Parquet file"; "nothing" ]
            File.WriteAllText(path, "a,y\n1,2\n")

            refused layout [
                ": expected a Parquet file, as its name ends in .parquet, got bytes that do not begin with `PAR1`"
            ]

            File.WriteAllText(path, "")
            refused layout [ "got an empty file" ]
            writeParquet path 4 small
            let whole = File.ReadAllBytes path
            load layout path

            for length in [ 4; 5; 8; whole.Length / 2; whole.Length - 1 ] do
                File.WriteAllBytes(path, whole[.. length - 1])
                refused layout [ ": expected a whole Parquet file of a flat table, got " ]

            File.WriteAllBytes(path, whole)

            refused (CsvLayout(Targets = [| "z" |])) [
                ": expected a column `z`, got the columns a, day, y – name one of these"
            ]

            refused (CsvLayout(Targets = [| "y" |])) [ ", row 1, column day: expected a number, got `2024-01-01`" ]
            writeParquet path 4 [ "a", Doubles []; "y", Doubles [] ]
            refused layout [ "expected rows of values" ]
            let other = Path.Combine(directory, "x.csv")
            File.WriteAllBytes(other, whole)

            complains (fun () -> load layout other) [
                ": expected a CSV file, got a Parquet file – rename it, so that its name ends in .parquet"
            ]

            complains (fun () -> CsvSketch.Of other |> ignore) [ "got a Parquet file" ]

        // The library believes a page that says how large it is unpacked; the memory that it asks for then is not written to.
        triesTaking
            (2L <<< 30)
            "Parquet"
            (1_500 * times)
            (fun random directory ->
                let path = Path.Combine(directory, "x.parquet")
                writeParquet path 4 small
                put directory "x.parquet" (ofBytes random (File.ReadAllBytes path)))
            (fun directory ->
                let layout = CsvLayout(Targets = [| "y" |], Dates = [| "day" |])
                use data = CsvFile.Load(Path.Combine(directory, "x.parquet"), layout, 0.2, 0.2, true, 1L)

                for part in Seq.concat [ Seq.singleton data.Splits.Train; data.Splits.Validation; data.Splits.Test ] do
                    Expect.isTrue (part.Inputs.isfinite().all().ToBoolean()) "finite numbers"
                    Expect.equal part.Inputs.shape[0] part.Targets.shape[0] "a target for every input")
    ]
