/// Columns of a CSV file that are not plain numbers: categories, dates, and values that are missing.
module ModNet.Tests.TableTests

open System
open System.Globalization
open System.IO
open Expecto
open FsCheck.FSharp
open ModNet.Runtime
open TorchSharp

/// What stands in a row: two numbers, two categories and a date, some of which are missing, and two numbers to predict.
type private Row = {
    First: float option
    Second: float option
    Colour: string
    Month: string
    Sold: DateTime option
    Targets: int * int
}

let private invariant (value: float) = value.ToString("R", CultureInfo.InvariantCulture)

let private optional (gen: FsCheck.Gen<'a>) = Gen.frequency [ 4, Gen.map Some gen; 1, Gen.constant None ]

let private row =
    gen {
        let number = Gen.choose (-4000, 4000) |> Gen.map (fun i -> float i / 8.0)
        let! first = optional number
        let! second = optional number
        let! colour = Gen.elements [ "red"; "blue"; "green, light"; "" ]
        let! month = Gen.elements [ "2"; "10"; "1"; "" ]

        let! sold =
            optional (Gen.choose (-40_000, 40_000) |> Gen.map (fun d -> DateTime.UnixEpoch.AddHours(6.0 * float d)))

        let! y = Gen.choose (-9, 9)
        let! z = Gen.choose (-9, 9)

        return { First = first; Second = second; Colour = colour; Month = month; Sold = sold; Targets = y, z }
    }

let private written (row: Row) = [
    "y", string (fst row.Targets)
    "first", row.First |> Option.map invariant |> Option.defaultValue ""
    "colour", (if row.Colour.Contains ',' then $"\"{row.Colour}\"" else row.Colour)
    "sold",
    row.Sold
    |> Option.map
        _.ToString(
            (if row.Targets = (0, 0) then "yyyy-MM-dd HH:mm" else "yyyy-MM-ddTHH:mm:ssZ"),
            CultureInfo.InvariantCulture
        )
    |> Option.defaultValue ""
    "month", row.Month
    "second", row.Second |> Option.map invariant |> Option.defaultValue ""
    "z", string (snd row.Targets)
]

let private layoutOf (missing: CsvMissing) (header: bool) =
    let name (named: string) (number: string) = if header then named else number

    CsvLayout(
        Targets = [| name "z" "7"; name "y" "1" |],
        Categorical = [| name "colour" "3" |],
        Coded = [| name "month" "5" |],
        Dates = [| name "sold" "4" |],
        Missing = missing,
        Header = header
    )

/// What x must be, computed row by row without a tensor.
let private expected (missing: CsvMissing) (standardise: bool) (rows: Row list) : float[][] =
    let days (row: Row) = row.Sold |> Option.map (fun date -> (date - DateTime.UnixEpoch).TotalDays)

    let number (read: Row -> float option) =
        let present = List.choose read rows
        let mean = if present.IsEmpty then 0.0 else List.average present
        let filled = rows |> List.map (read >> Option.defaultValue mean)
        let deviation = filled |> List.averageBy (fun x -> (x - mean) ** 2.0) |> sqrt

        fun row ->
            let value = read row |> Option.defaultValue mean

            if not standardise then value
            elif deviation < 1e-9 then 0.0
            else (value - mean) / deviation

    let present (order: string list) (read: Row -> string) =
        order |> List.filter (fun level -> rows |> List.exists (fun row -> read row = level))

    let colours = present [ "blue"; "green, light"; "red"; "" ] _.Colour
    let months = present [ "1"; "2"; "10"; "" ] _.Month
    let first, second, sold = number _.First, number _.Second, number days

    [|
        for row in rows ->
            [|
                first row
                for colour in colours do
                    if colour = row.Colour then 1.0 else 0.0
                sold row
                float (List.findIndex ((=) row.Month) months)
                second row
            |]
    |]

let private isWhole (row: Row) = row.First.IsSome && row.Second.IsSome && row.Sold.IsSome

let private close (found: float[][]) (wanted: float[][]) =
    Expect.equal (Array.map Array.length found) (Array.map Array.length wanted) "rows and columns"

    for found, wanted in Array.zip found wanted do
        for f, w in Array.zip found wanted do
            Expect.isLessThan (abs (f - w)) (1e-4 * (1.0 + abs w)) $"{found} and {wanted}"

let private plain = CsvLayout(Targets = [| "y" |])

[<Tests>]
let tests =
    testList "tables" [
        testPropertyWithConfig
            { FsCheckConfig.defaultConfig with replay = Some(8601UL, 1UL, None); maxTest = 60 }
            "categories, dates and missing values are those of plain arithmetic, and questions on raw rows those of training"
        <| Prop.forAll
            (Arb.fromGen (
                Gen.zip3
                    (Gen.nonEmptyListOf row)
                    (Gen.elements [ CsvMissing.Mean; CsvMissing.Drop ])
                    (Gen.zip (Gen.elements [ true; false ]) (Gen.elements [ true; false ]))
            ))
            (fun (rows, missing, (standardise, header)) ->
                // A column that is missing altogether has no mean.
                let whole = {
                    First = Some 1.0
                    Second = Some 2.0
                    Colour = "red"
                    Month = "1"
                    Sold = Some DateTime.UnixEpoch
                    Targets = 1, 2
                }

                let rows = whole :: rows
                let kept = if missing = CsvMissing.Drop then List.filter isWhole rows else rows

                inDirectory
                <| fun directory ->
                    let file name (columns: string list) (rows: Row list) =
                        [
                            if header then String.concat "," columns
                            for row in rows do
                                columns
                                |> List.map (fun c -> Map.find c (Map.ofList (written row)))
                                |> String.concat ","
                        ]
                        |> String.concat "\n"
                        |> write directory name

                    let columns = List.map fst (written whole)
                    let layout = layoutOf missing header
                    use data = CsvFile.Load(file "x.csv" columns rows, layout, 0.0, 0.0, standardise, 1L)
                    let train = data.Splits.Train
                    close (matrix train.Inputs) (expected missing standardise kept)
                    Expect.equal data.Dropped (int64 (rows.Length - kept.Length)) "left out"

                    Expect.equal
                        (matrix train.Targets)
                        [| for row in kept -> [| float (snd row.Targets); float (fst row.Targets) |] |]
                        "targets in their order"

                    // The same rows from outside, with the preparation that a run keeps, in another order where a header says it.
                    let kept' = Path.Combine(directory, "data.json")
                    data.Preparation.Write(kept', train.Count)
                    let preparation = Preparation.Read kept'
                    let order = if header then List.rev columns else columns

                    for order in [ order; order |> List.except [ "y"; "z" ] ] do
                        use asked = CsvQuestions.Load(file "asked.csv" order kept, layout, preparation)

                        scoped (fun () ->
                            Expect.equal
                                (matrix (preparation.Apply asked.Inputs))
                                (matrix train.Inputs)
                                "as in training"))

        testInDirectory "what is learned of columns is learned of the training rows, levels of all rows"
        <| fun directory ->
            let rows = [ for i in 1..40 -> $"""{(if i % 5 = 0 then "" else string i)},c{i},{i}""" ]
            let path = write directory "x.csv" (String.concat "\n" ("a,c,y" :: rows))

            let layout = CsvLayout(Targets = [| "y" |], Categorical = [| "c" |], Missing = CsvMissing.Mean)

            use data = CsvFile.Load(path, layout, 0.25, 0.25, false, 1L)
            let seen = numbers data.Splits.Train.Targets |> Array.filter (fun y -> int y % 5 <> 0)
            Expect.floatClose Accuracy.high data.Preparation.Fill[0] (Array.average seen) "the mean of training rows"
            Expect.equal data.Splits.Test[0].Inputs.shape[1] 41L "every level has a column"
            Expect.hasLength (Seq.exactlyOne data.Levels).Levels 40 "levels of all rows"

        testInDirectory "a level that training did not see is refused, or read as zeros where the run says so"
        <| fun directory ->
            let path = write directory "x.csv" "c,m,a,y\nred,1,0.5,1\nblue,2,1.5,2\nred,1,2.5,3\n"
            let asked = write directory "asked.csv" "c,m,a\nblue,1,0.5\ngreen,2,1.5\n,1,2.5\ngreen,2,3.5\n"

            let layout (zeros: bool) =
                CsvLayout(
                    Targets = [| "y" |],
                    Categorical = [| "c" |],
                    Coded = [| "m" |],
                    Missing = CsvMissing.Mean,
                    UnseenAsZeros = zeros
                )

            let trained (zeros: bool) =
                use data = CsvFile.Load(path, layout zeros, 0.0, 0.0, false, 1L)
                // As a run keeps it, and opens it again.
                let kept = Path.Combine(directory, "data.json")
                data.Preparation.Write(kept, 3L)
                Preparation.Read kept

            complains (fun () -> CsvQuestions.Load(asked, layout false, trained false).Dispose()) [
                "line 3, column c"
                "(blue, red)"
                "`green`"
                "line 4, column c"
            ]

            let preparation = trained true
            use questions = CsvQuestions.Load(asked, layout true, preparation)

            scoped
            <| fun () ->
                Expect.equal
                    (matrix (preparation.Apply questions.Inputs))
                    [|
                        [| 1.0; 0.0; 0.0; 0.5 |]
                        [| 0.0; 0.0; 1.0; 1.5 |]
                        [| 0.0; 0.0; 0.0; 2.5 |]
                        [| 0.0; 0.0; 1.0; 3.5 |]
                    |]
                    "blue, red, the month's code, a"

            Expect.equal
                [ for KeyValue(column, count) in questions.Unseen -> column, count ]
                [ "c", 3L ]
                "they are counted"

            let strange = write directory "strange.csv" "c,m,a\nred,9,0.5\n"

            complains (fun () -> CsvQuestions.Load(strange, layout true, preparation).Dispose()) [
                "line 2, column m"
                "(1, 2)"
                "`9`"
            ]

            complains
                (fun () ->
                    scoped (fun () -> preparation.Apply(torch.tensor([| -2.0; 0.0; 1.0 |]).view(1L, 3L)) |> ignore))
                [ "x, column c: expected the code of one of 2 levels"; "got -2"; "or -1 for none of them" ]

        testInDirectory "all mistakes of a file are one message, for training as for predictions"
        <| fun directory ->
            let bad = [ for i in 1..15 -> $"{i},x{i},1" ]
            let path = write directory "x.csv" (String.concat "\n" ("a,b,y" :: "1,2,3" :: "1,2" :: bad))

            let message =
                [
                    $"{path}, line 3: expected 3 values, as in the first row, got 2 – mend this row"
                    for i in 1..11 do
                        $"{path}, line {i + 3}, column b: expected a number, got `x{i}` – mend this value, or leave the column out"
                    $"{path}: and 4 more"
                ]
                |> String.concat "\n"

            Expect.equal
                (complaint (fun () -> CsvFile.Load(path, plain, 0.0, 0.0, false, 1L).Dispose()))
                message
                "to train on"

            let preparation = Preparation(DataIdentity [||], Columns = [| "a"; "b" |])

            Expect.equal
                (complaint (fun () -> CsvQuestions.Load(path, plain, preparation).Dispose()))
                message
                "to predict"

        testInDirectory "two mistakes of one row are two lines"
        <| fun directory ->
            let path = write directory "x.csv" "a,b,y\n,q,1\n"

            Expect.equal
                (complaint (fun () -> CsvFile.Load(path, plain, 0.0, 0.0, false, 1L).Dispose()))
                ($"{path}, line 2, column a: expected a number, got nothing – fill the value in, or take the row out\n"
                 + $"{path}, line 2, column b: expected a number, got `q` – mend this value, or leave the column out")
                "both"

        testInDirectory "a level, a missing value or a date that cannot be is refused"
        <| fun directory ->
            let layout = CsvLayout(Targets = [| "y" |], Categorical = [| "c" |], Dates = [| "d" |])
            let path = write directory "x.csv" "c,d,y\nred,2024-02-29,1\nblue,1970-01-02,2\n"
            use data = CsvFile.Load(path, layout, 0.0, 0.0, false, 1L)

            Expect.equal
                (matrix data.Splits.Train.Inputs)
                // `date --date=2024-02-29 +%s` is 86,400 times this.
                [| [| 0.0; 1.0; 19782.0 |]; [| 1.0; 0.0; 1.0 |] |]
                "blue, red and days"

            let asked = write directory "asked.csv" "c,d\ngrey,2024-02-30\n,\n"

            Expect.equal
                (complaint (fun () -> CsvQuestions.Load(asked, layout, data.Preparation).Dispose()))
                ([
                    "line 2, column c: expected one of the 2 labels that the run's data had (blue, red), got `grey` – mend this value, or leave the column out"
                    "line 2, column d: expected a date of ISO 8601, such as 2024-02-29 or 2024-02-29T12:30:00Z, got `2024-02-30` – mend this value, or leave the column out"
                    "line 3, column c: expected a label, got nothing – fill the value in, or take the row out"
                    "line 3, column d: expected a date of ISO 8601, such as 2024-02-29 or 2024-02-29T12:30:00Z, got nothing – fill the value in, or take the row out"
                 ]
                 |> List.map (fun line -> $"{asked}, {line}")
                 |> String.concat "\n")
                "four lines"

            scoped
            <| fun () ->
                complains (fun () -> data.Preparation.Apply(torch.tensor([| 2.0; 1.0 |]).view(1L, 2L)) |> ignore) [
                    "x, column c: expected the code of one of 2 levels, from 0 (blue, red), got 2"
                ]

        testInDirectory "times of dates are read with their zones"
        <| fun directory ->
            let path =
                write
                    directory
                    "x.csv"
                    "d,y\n1970-01-02T06:00:00+06:00,1\n1970-01-01T12:00,2\n1969-12-31 18:00:00.500Z,3\n"

            use data = CsvFile.Load(path, CsvLayout(Targets = [| "y" |], Dates = [| "d" |]), 0.0, 0.0, false, 1L)

            Expect.equal
                (numbers data.Splits.Train.Inputs)
                [| 1.0; 0.5; float (float32 (-0.25 + 0.5 / 86_400.0)) |]
                "days"

        testInDirectory "nothing but rows that are left out, and a column without a number"
        <| fun directory ->
            let path = write directory "x.csv" "a,b,y\n,1,1\n,2,2\n"

            let load missing =
                CsvFile.Load(path, CsvLayout(Targets = [| "y" |], Missing = missing), 0.0, 0.0, false, 1L)

            complains (fun () -> (load CsvMissing.Drop).Dispose()) [
                $"{path}: expected rows of values, got 2 rows with missing numbers, which are left out"
            ]

            complains (fun () -> (load CsvMissing.Mean).Dispose()) [
                $"{path}, column a: expected a number in one of the training rows, for the mean, got none"
            ]

        testInDirectory "a preparation whose levels or means are damaged is refused"
        <| fun directory ->
            let path = Path.Combine(directory, "data.json")

            for columns, levels, fill in
                [
                    [| "a" |], ColumnLevels("b", [| "x" |], false), [| 1.0 |]
                    [| "a" |], ColumnLevels("a", [| "x"; "x" |], false), [| 1.0 |]
                    [| "a" |], ColumnLevels("a", [||], true), [| 1.0 |]
                    [| "a" |], ColumnLevels("a", [| "x" |], true), [| 1.0; 2.0 |]
                ] do
                Preparation(DataIdentity [||], Columns = columns, Levels = [| levels |], Fill = fill).Write(path, 1L)
                complains (fun () -> Preparation.Read path |> ignore) [ path; "parts missing" ]
    ]
