/// A column of a CSV file that says how much each row counts.
module ModNet.Tests.WeightColumnTests

open System
open System.Globalization
open Expecto
open FsCheck.FSharp
open ModNet.Runtime
open TorchSharp

let private invariant (value: float) = value.ToString("R", CultureInfo.InvariantCulture)

/// A number, a category, what is to be predicted, and a weight, which is 0 now and then.
let private row =
    gen {
        let! number = Gen.choose (-40, 40)
        let! colour = Gen.elements [ "red"; "blue"; "green" ]
        let! y = Gen.choose (0, 9)
        let! weight = Gen.frequency [ 1, Gen.constant 0.0; 3, Gen.choose (1, 30) |> Gen.map (fun i -> float i / 8.0) ]

        return number, colour, y, weight
    }

let private whole = (1, "red", 2, 0.5)

/// Columns in the file's order: weight, a, colour, y.
let private layout (header: bool) (weighs: bool) =
    let name (named: string) (number: string) = if header then named else number

    CsvLayout(
        Targets = [| name "y" "4" |],
        Features = (if weighs then null else [| name "a" "2"; name "colour" "3" |]),
        Categorical = [| name "colour" "3" |],
        Weight = (if weighs then name "w" "1" else null),
        Header = header
    )

let private file directory name (header: bool) rows =
    [
        if header then "w,a,colour,y"
        for number, colour, y, weight in rows do
            $"{invariant weight},{number},{colour},{y}"
    ]
    |> String.concat "\n"
    |> write directory name

let private parts (data: LoadedData) = [ data.Splits.Train; yield! data.Splits.Validation; yield! data.Splits.Test ]

let private plain = CsvLayout(Targets = [| "y" |], Weight = "w")

let private load path = (CsvFile.Load(path, plain, 0.0, 0.0, false, 1L)).Dispose()

[<Tests>]
let tests =
    testList "a column of weights" [
        testPropertyWithConfig
            { FsCheckConfig.defaultConfig with replay = Some(8801UL, 1UL, None); maxTest = 40 }
            "is no feature; its rows of weight 0 are as if the file did not have them; the others bring their weights along"
        <| Prop.forAll (Arb.fromGen (Gen.zip (Gen.listOf row) (Gen.elements [ true; false ]))) (fun (rows, header) ->
            let rows = whole :: whole :: whole :: rows
            let counting = rows |> List.filter (fun (_, _, _, weight) -> weight > 0.0)

            inDirectory
            <| fun directory ->
                let load name rows weighs =
                    CsvFile.Load(file directory name header rows, layout header weighs, 0.34, 0.0, true, 3L)

                use found = load "all.csv" rows true
                use expected = load "counting.csv" counting false
                Expect.equal found.Weightless (int64 (rows.Length - counting.Length)) "rows of weight 0"
                Expect.equal (List.ofSeq found.Columns) (List.ofSeq expected.Columns) "features"
                let left = [ for _, _, _, weight in counting -> weight ]
                let weights = parts found |> List.collect (fun part -> List.ofArray (numbers part.Side.Weights))
                Expect.equal (List.sort weights) (List.sort left) "weights"

                for found, expected in List.zip (parts found) (parts expected) do
                    Expect.equal (matrix found.Inputs) (matrix expected.Inputs) "x"
                    Expect.equal (matrix found.Targets) (matrix expected.Targets) "y")

        testInDirectory "each weight is its row's"
        <| fun directory ->
            let rows = [ for i in 1..30 -> i, "red", i % 10, float i / 2.0 ]
            use data = CsvFile.Load(file directory "x.csv" true rows, layout true true, 0.2, 0.2, false, 1L)

            for part in parts data do
                let half = matrix part.Inputs |> Array.map (fun row -> row[0] / 2.0)
                Expect.equal (numbers part.Side.Weights) half "half of a"

        testInDirectory "beside task ids, both are there"
        <| fun directory ->
            let path = write directory "x.csv" "a,t,w,y\n1,b,2,1\n2,a,0,2\n3,a,0.5,3\n"
            use data = CsvFile.Load(path, CsvLayout(Targets = [| "y" |], Task = "t", Weight = "w"), 0.0, 0.0, false, 1L)
            Expect.equal (integers data.Splits.Train.Side.Tasks) [| 1; 0 |] "tasks"
            Expect.equal (numbers data.Splits.Train.Side.Weights) [| 2.0; 0.5 |] "weights"

        testInDirectory "its mistakes are told with those of other columns, and a row of weight 0 has none"
        <| fun directory ->
            let path =
                write directory "x.csv" "a,w,y\n1,-1,2\nq,nan,2\n1,,x\nq,0,x\n1,infinity,2\n1,1e39,2\n1,heavy,2\n"

            let weight line got =
                $"{path}, line {line}, column w: expected a weight, a number from 0 to 3.4E+38, got {got} – "

            let mend = "mend this value, or leave the column out"

            Expect.equal
                (complaint (fun () -> load path))
                ([
                    weight 2 "`-1`" + mend
                    weight 3 "`nan`" + mend
                    $"{path}, line 3, column a: expected a number, got `q` – {mend}"
                    weight 4 "nothing" + "fill the value in, or take the row out"
                    $"{path}, line 4, column y: expected a number, got `x` – {mend}"
                    weight 6 "`infinity`" + mend
                    weight 7 "`1e39`" + mend
                    weight 8 "`heavy`" + mend
                 ]
                 |> String.concat "\n")
                "all of them"

        testInDirectory "it has to be there, and one weight above 0"
        <| fun directory ->
            let message text = complaint (fun () -> load (write directory "x.csv" text))
            let path = IO.Path.Combine(directory, "x.csv")

            Expect.equal
                (message "a,y\n1,2\n")
                $"{path}: expected a column `w`, got the columns a, y – name one of these, or say that the file has no header"
                "missing"

            Expect.equal
                (message "a,w,y\n1,0,2\n1,0.0,2\n")
                $"{path}, column w: expected rows of a weight above 0, got 2 rows of weight 0 – give rows that count a weight above 0, or leave `weight` out"
                "all are 0"

            Expect.stringContains (message "w,y\n1,2\n") "expected columns to predict from, got only w, y" "no features"

            let dropping = CsvLayout(Targets = [| "y" |], Weight = "w", Missing = CsvMissing.Drop)
            let path = write directory "x.csv" "a,w,y\n,1,2\n1,0,2\n"

            Expect.stringContains
                (complaint (fun () -> CsvFile.Load(path, dropping, 0.0, 0.0, false, 1L).Dispose()))
                "got 1 rows of weight 0, and 1 rows with missing numbers, which are left out"
                "nothing is left"

        for header in [ true; false ] do
            testInDirectory $"a prediction neither needs it nor reads it, header {header}"
            <| fun directory ->
                let rows = [ whole; (7, "blue", 3, 0.25); (9, "red", 4, 2.0) ]
                let layout = layout header true
                use data = CsvFile.Load(file directory "x.csv" header rows, layout, 0.0, 0.0, true, 1L)

                let asked (columns: string) (rows: string list) =
                    let text =
                        String.concat "\n" [
                            if header then columns
                            yield! rows
                        ]

                    use questions = CsvQuestions.Load(write directory "asked.csv" text, layout, data.Preparation)
                    scoped (fun () -> matrix (data.Preparation.Apply questions.Inputs)), isNull questions.Targets

                let x = matrix data.Splits.Train.Inputs

                Expect.equal
                    (asked "w,a,colour,y" [ "?,1,red,2"; ",7,blue,3"; "-1,9,red,4" ])
                    (x, false)
                    "anything there"

                Expect.equal (asked "a,colour" [ "1,red"; "7,blue"; "9,red" ]) (x, true) "neither weight nor target"

                if header then
                    Expect.equal (asked "a,colour,y" [ "1,red,2"; "7,blue,3"; "9,red,4" ]) (x, false) "no weight"
                    Expect.equal (asked "w,a,colour" [ "1,1,red"; "2,7,blue"; "0,9,red" ]) (x, true) "no target"
                else
                    complains (fun () -> asked "" [ "1,red,2" ] |> ignore) [
                        "expected 4 columns, as the run's data had, or 2 without targets and weight, got 3"
                    ]
    ]
