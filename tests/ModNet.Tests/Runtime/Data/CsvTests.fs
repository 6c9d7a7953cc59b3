module ModNet.Tests.CsvTests

open System.IO
open Expecto
open FsCheck.FSharp
open ModNet.Runtime
open TorchSharp

let private layout = CsvLayout(Targets = [| "kind" |], Classes = 2)

let private load path layout = CsvFile.Load(path, layout, 0.0, 0.0, false, 1L)

/// The text of a CSV file and what is said of it under a layout.
let private refuses name (text: string) layout parts =
    testInDirectory name
    <| fun directory ->
        let path = write directory "x.csv" text

        complains
            (fun () -> (load path layout).Dispose())
            (parts |> List.map (fun (p: string) -> p.Replace("FILE", path)))

/// A value as RFC 4180 writes it, quoted where it must be.
let private quoted (value: string) =
    if value.IndexOfAny [| ','; '"'; '\n'; '\r' |] >= 0 then "\"" + value.Replace("\"", "\"\"") + "\"" else value

let private label =
    Gen.elements [ 'a'; 'b'; ','; '"'; '\n'; ' '; 'é' ]
    |> Gen.nonEmptyListOf
    |> Gen.map (fun letters -> "x" + System.String(Array.ofList letters) + "x")

let private table =
    gen {
        let! count = Gen.choose (1, 12)
        let! labels = Gen.listOfLength count label
        let! numbers = Gen.listOfLength (2 * count) (Gen.choose (-1000, 1000))
        let! ending = Gen.elements [ "\n"; "\r\n" ]
        let! mark = Gen.elements [ ""; "\uFEFF" ]
        return labels, List.chunkBySize 2 numbers, ending, mark
    }

/// A column's values without a mean or a deviation of their own: exactly, in rational numbers, which are rounded once, at the end.
let private standardised (column: float[]) : float[] =
    let count = System.Numerics.BigInteger column.Length
    // Doubles are whole multiples of 2^-1074; of ours, all are multiples of the smallest power of two among them.
    let unit = column |> Array.map (fun x -> if x = 0.0 then 1024 else System.Math.ILogB x - 52) |> Array.min

    let whole =
        column
        |> Array.map (fun x ->
            let mantissa = if x = 0.0 then 0.0 else System.Math.ScaleB(x, 52 - System.Math.ILogB x)
            let shift = if x = 0.0 then 0 else System.Math.ILogB x - 52 - unit
            System.Numerics.BigInteger mantissa <<< shift)

    let sum = Array.sum whole
    // N times the distance from the mean, and N³ times the variance.
    let apart = whole |> Array.map (fun x -> x * count - sum)
    let squares = apart |> Array.sumBy (fun d -> d * d)

    // d / sqrt(squares / N), with both cut to the same number of bits so that a double holds them.
    let cut = max 0 (int ((squares.GetBitLength() - 900L) / 2L))

    let deviation = sqrt (float (squares >>> (2 * cut)) / float column.Length)

    apart
    |> Array.map (fun d ->
        let d = float d / 2.0 ** float cut
        if deviation = 0.0 then 0.0 else d / deviation)

/// Columns that float32 cannot tell apart from constant ones, or cannot hold, and their like.
let private hardColumn =
    gen {
        let! count = Gen.choose (2, 60)
        let! steps = Gen.listOfLength count (Gen.choose (-1000, 1000))

        let! offset, step =
            Gen.elements [
                1.7e9, 1.0
                0.0, 1e20
                0.0, 1e-25
                1e6, 1e-3
                -123456.789, 0.0
                0.1, 0.0
                14.62, 0.0
                0.0, 1e300
                0.0, 1e-300
                1e12, 1.0
                3.0, 0.25
            ]

        return steps |> List.map (fun i -> offset + float i * step) |> Array.ofList
    }

[<Tests>]
let tests =
    testList "CSV" [
        testPropertyWithConfig
            { FsCheckConfig.defaultConfig with replay = Some(4180UL, 1UL, None) }
            "any table of numbers and quoted labels is read as it was written"
        <| Prop.forAll (Arb.fromGen table) (fun (labels, numbers, ending, mark) ->
            inDirectory
            <| fun directory ->
                let rows = [
                    for label, row in List.zip labels numbers -> $"{row[0]},{quoted label},{float row[1] / 8.0}"
                ]

                let text = mark + String.concat ending ("a,kind,b" :: rows)
                let path = write directory "x.csv" text

                let distinct = labels |> List.distinct |> List.sortWith (fun a b -> System.String.CompareOrdinal(a, b))

                use data = load path (CsvLayout(Targets = [| "kind" |], Classes = distinct.Length))
                Expect.equal (List.ofSeq data.Classes) distinct "labels, in order"
                let train = data.Splits.Train

                Expect.equal
                    (matrix train.Inputs)
                    [| for row in numbers -> [| float row[0]; float row[1] / 8.0 |] |]
                    "features, by default all but the target"

                Expect.equal
                    (integers train.Targets)
                    [| for label in labels -> List.findIndex ((=) label) distinct |]
                    "classes")

        testInDirectory "columns are taken in the order in which they are named"
        <| fun directory ->
            let path = write directory "x.csv" "a;b;c;d\n1;2;3;4\n\n5; 6 ;7;8e0\n"

            use data = load path (CsvLayout(Targets = [| "d"; "a" |], Features = [| "c"; "b" |], Separator = ';'))

            Expect.equal (matrix data.Splits.Train.Inputs) [| [| 3.0; 2.0 |]; [| 7.0; 6.0 |] |] "x"
            Expect.equal (matrix data.Splits.Train.Targets) [| [| 4.0; 1.0 |]; [| 8.0; 5.0 |] |] "y"
            Expect.isNull data.Classes "no classes"
            Expect.equal data.Splits.Train.Inputs.dtype torch.ScalarType.Float32 "float32"

        testInDirectory "without a header columns go by their number"
        <| fun directory ->
            let path = write directory "x.csv" "1,2,yes\n3,4,no\n"
            use data = load path (CsvLayout(Targets = [| "3" |], Classes = 2, Header = false))
            Expect.equal (List.ofSeq data.Classes) [ "no"; "yes" ] "labels"
            Expect.equal (integers data.Splits.Train.Targets) [| 1; 0 |] "classes"

        testInDirectory "labels that are numbers are ordered as numbers"
        <| fun directory ->
            let path = write directory "x.csv" "a,kind\n1,10\n2,9\n3,-1\n"
            use data = load path (CsvLayout(Targets = [| "kind" |], Classes = 3))
            Expect.equal (List.ofSeq data.Classes) [ "-1"; "9"; "10" ] "in order"

        testInDirectory "shares are held out by the seed, every row once"
        <| fun directory ->
            let rows = [ for i in 1..50 -> $"{i},{10 * i}" ]
            let path = write directory "x.csv" (String.concat "\n" ("a,y" :: rows))

            let split seed =
                use data = CsvFile.Load(path, CsvLayout(Targets = [| "y" |]), 0.2, 0.1, false, seed)
                let parts = [ data.Splits.Train; data.Splits.Validation[0]; data.Splits.Test[0] ]

                for part in parts do
                    Expect.equal
                        (numbers part.Targets)
                        (numbers part.Inputs |> Array.map ((*) 10.0))
                        "targets stay with their inputs"

                [ for part in parts -> numbers part.Inputs |> List.ofArray ]

            let first = split 1L
            Expect.equal [ for part in first -> part.Length ] [ 35; 10; 5 ] "rows"
            Expect.equal (first |> List.concat |> List.sort) [ for i in 1..50 -> float i ] "every row once"
            Expect.equal (split 1L) first "the same seed"
            Expect.notEqual (split 2L) first "another seed"

        testInDirectory "features are standardised by the rows that are trained on"
        <| fun directory ->
            let rows = [ for i in 1..40 -> $"{i},5,{i}" ]
            let path = write directory "x.csv" (String.concat "\n" ("a,same,y" :: rows))
            use plain = CsvFile.Load(path, CsvLayout(Targets = [| "y" |]), 0.25, 0.0, false, 1L)
            use data = CsvFile.Load(path, CsvLayout(Targets = [| "y" |]), 0.25, 0.0, true, 1L)

            let column (part: Dataset) = matrix part.Inputs |> Array.map Array.head

            let seen = column plain.Splits.Train
            let mean = Array.average seen
            let deviation = seen |> Array.averageBy (fun x -> (x - mean) ** 2.0) |> sqrt

            for raw, done' in
                [ plain.Splits.Train, data.Splits.Train; plain.Splits.Validation[0], data.Splits.Validation[0] ] do
                for x, z in Array.zip (column raw) (column done') do
                    Expect.isLessThan (abs ((x - mean) / deviation - z)) 1e-5 "standardised"

            Expect.equal
                (matrix data.Splits.Train.Inputs |> Array.map Array.last |> Array.distinct)
                [| 0.0 |]
                "no spread"

        testPropertyWithConfig
            { FsCheckConfig.defaultConfig with replay = Some(1700UL, 1UL, None) }
            "a column of any size is standardised in double precision"
        <| Prop.forAll (Arb.fromGen hardColumn) (fun column ->
            inDirectory
            <| fun directory ->
                let rows = [
                    for x in column -> x.ToString("R", System.Globalization.CultureInfo.InvariantCulture) + ",1"
                ]

                let path = write directory "x.csv" (String.concat "\n" ("a,y" :: rows))
                use data = CsvFile.Load(path, CsvLayout(Targets = [| "y" |]), 0.0, 0.0, true, 1L)

                for got, expected in Seq.zip (numbers data.Splits.Train.Inputs) (standardised column) do
                    Expect.isLessThan (abs (got - expected)) (1e-6 * max 1.0 (abs expected)) $"{column}"

                Expect.equal
                    (numbers data.Splits.Train.Inputs |> Array.distinct |> Array.length)
                    (column |> Array.distinct |> Array.length)
                    "different values stay different")

        testInDirectory "a scaling is kept in double precision, and does to rows what was done to the data"
        <| fun directory ->
            let rows = [ for i in 0..999 -> $"{1_700_000_000 + i},{i % 7}" ]
            let path = write directory "x.csv" (String.concat "\n" ("a,y" :: rows))
            use data = CsvFile.Load(path, CsvLayout(Targets = [| "y" |]), 0.0, 0.0, true, 1L)
            Expect.equal (List.ofSeq data.Scaling.Mean) [ 1_700_000_499.5 ] "mean"
            let deviation = sqrt ((1000.0 * 1000.0 - 1.0) / 12.0)
            Expect.floatClose Accuracy.veryHigh data.Scaling.Deviation[0] deviation "deviation of 1000 steps"

            use raw = torch.tensor([| for i in 0..999 -> 1.7e9 + float i |]).view(1000L, 1L)

            use again = data.Preparation.Apply raw
            Expect.equal (numbers again) (numbers data.Splits.Train.Inputs) "the same"

        testInDirectory "rows that are held out must stay in range when they are standardised"
        <| fun directory ->
            // Whichever rows are held out, one of those far away is trained on or held out.
            let path = write directory "x.csv" "a,y\n0,1\n1e-30,2\n1e30,3\n0,4\n"

            let outcomes = [
                for seed in 1L .. 40L ->
                    try
                        use data = CsvFile.Load(path, CsvLayout(Targets = [| "y" |]), 0.25, 0.0, true, seed)
                        Expect.isTrue (data.Splits.Validation[0].Inputs.isfinite().all().ToBoolean()) "finite"
                        None
                    with :? UserException as refusal ->
                        Some refusal.Message
            ]

            Expect.equal
                (outcomes |> List.choose id |> List.distinct)
                [
                    $"{path}, column a: expected numbers that stay in the range of float32 when they are standardised by the training rows, got 1E+30 – mend this value, or leave the column out"
                ]
                "refused where 1e30 is held out"

        testInDirectory "the file is named, with its checksum"
        <| fun directory ->
            let path = write directory "x.csv" "a,y\n1,2\n"
            use data = load path (CsvLayout(Targets = [| "y" |]))
            // printf 'a,y\n1,2\n' | sha256sum
            let sum = System.Security.Cryptography.SHA256.HashData "a,y\n1,2\n"B |> System.Convert.ToHexStringLower

            Expect.equal (List.ofSeq data.Files) [ DataFile("x.csv", 8L, sum) ] "file"

        refuses "a number that is none" "a,b,kind\n1,2,x\n3,abc,y\n" layout [
            "FILE, line 3, column b: expected a number, got `abc` – mend this value, or leave the column out"
        ]

        refuses "a number without end" "a,kind\nInfinity,x\n" layout [
            "FILE, line 2, column a: expected a number, got `Infinity`"
        ]

        refuses "a number that float32 cannot hold" "a,kind\n1e39,x\n" layout [
            "FILE, line 2, column a: expected a number within ±3.4E+38, the range of float32, got `1e39`"
        ]

        refuses "a missing value" "a,b,kind\n1,,x\n" layout [
            "FILE, line 2, column b: expected a number, got nothing – fill the value in, or take the row out"
        ]

        refuses "a missing label" "a,kind\n1,x\n1,  \n" layout [
            "FILE, line 3, column kind: expected a label, got nothing"
        ]

        refuses "a row too short, after a value of two lines" "a,kind\n1,\"x\ny\"\n1\n" layout [
            "FILE, line 4: expected 2 values, as in the first row, got 1 – mend this row"
        ]

        refuses "a row too long" "a,kind\n1,x,2\n" layout [
            "FILE, line 2: expected 2 values, as in the first row, got 3"
        ]

        refuses "a quote that does not end" "a,kind\n1,\"x\n2,y\n" layout [
            "FILE, line 2: expected values with quotes, if any, around the whole of them, got a quoted field that is never closed"
        ]

        refuses "an unknown column" "a,b\n1,2\n" layout [
            "FILE: expected a column `kind`, got the columns a, b – name one of these"
        ]

        refuses "two columns of one name" "a,a,kind\n1,2,x\n" layout [
            "FILE, line 1: expected columns of different names, got `a` 2 times – rename one of them"
        ]

        refuses "nothing but the target" "kind\nx\n" layout [ "FILE: expected columns to predict from, got only kind" ]

        refuses "an empty file" "" layout [
            "FILE: expected rows of values, got an empty file – give a file with rows in it"
        ]
        refuses "a header alone" "a,kind\n" layout [ "FILE: expected rows of values, got a header alone" ]

        refuses "more classes than are said" "a,kind\n1,x\n2,y\n3,z\n" layout [
            "FILE, column kind: expected 2 classes, got 3: x, y, z – say classes 3 here and in the network's head, or mend the labels"
        ]

        for labels in [ [ "1"; "01"; "1.0" ]; [ "0"; "-0"; "0.0" ]; [ "10"; "1e1"; "1000e-2" ]; [ "a"; "+2"; "2" ] ] do
            testInDirectory $"labels that are the same number are refused, as classes and as tasks: {labels}"
            <| fun directory ->
                let rows = [ for i in 0..8 -> $"{i},{labels[i % 3]},{i % 2}" ]
                let path = write directory "x.csv" (String.concat "\n" ("a,kind,y" :: rows))

                let same =
                    labels
                    |> List.filter (fun label -> label <> "a")
                    |> List.sortWith (fun a b -> System.String.CompareOrdinal(a, b))

                let shown = same |> List.map (fun label -> $"`{label}`") |> String.concat " and "

                for layout in
                    [
                        CsvLayout(Targets = [| "kind" |], Classes = System.Nullable 3)
                        CsvLayout(Targets = [| "y" |], Task = "kind")
                    ] do
                    complains (fun () -> (load path layout).Dispose()) [
                        $"{path}, column kind: expected each label written in one way, got {shown}, which are the same number – write them alike"
                    ]

        testInDirectory "labels that only a double would take for one number are different"
        <| fun directory ->
            let labels = [ "9007199254740992"; "9007199254740993"; "1e-400"; "2e-400" ]
            let rows = [ for i, label in List.indexed labels -> $"{i},{label}" ]
            let path = write directory "x.csv" (String.concat "\n" ("a,kind" :: rows))
            use data = load path (CsvLayout(Targets = [| "kind" |], Classes = System.Nullable 4))
            Expect.equal (Set data.Classes) (Set labels) "four classes"

        testInDirectory "a share that leaves nothing"
        <| fun directory ->
            let path = write directory "x.csv" "a,y\n1,2\n3,4\n"

            let share held =
                fun () -> CsvFile.Load(path, CsvLayout(Targets = [| "y" |]), held, 0.0, false, 1L).Dispose()

            complains (share 0.1) [ path; "hold out 10 % and 0 % of them"; "2 rows" ]
            complains (share 0.9) [ path; "2 rows" ]

        testInDirectory "paths that are none"
        <| fun directory ->
            let layout = CsvLayout(Targets = [| "y" |])

            complains (fun () -> (load (Path.Combine(directory, "no")) layout).Dispose()) [
                "nothing at that path"
                "--data"
            ]

            complains (fun () -> (load directory layout).Dispose()) [
                directory
                "a CSV or Parquet file"
                "a directory"
            ]
    ]
