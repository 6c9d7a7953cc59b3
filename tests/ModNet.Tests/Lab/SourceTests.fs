/// Data of a spec as the trainer gets them.
module ModNet.Tests.SourceTests

open System.IO
open Expecto
open ModNet
open TorchSharp

/// Without the check, which refuses batches above the few points that these data have.
let private load (mine: Network) (source: Data) =
    let unchecked =
        experiment {
            net mine
            data source
            train (em { })
            seed 3
        }

    Source.load (CheckedExperiment(unchecked, { Network = mine; Layers = []; Pools = [] }, []))

let private features' (inputs: int) =
    network "net" {
        features inputs
        bernoulli
    }

let private classes' (inputs: int) (count: int) =
    network "net" {
        features inputs
        softmax count
    }

let private ring =
    generated "ring" {
        features 2
        classes 3
        tasks 2
        given 1
        points 20
        held_out 5
        test 4

        draw (fun random ->
            let label = random.Next 3

            Datapoint.labelled [| float32 label; random.NextSingle() |] label
            |> Datapoint.task (label % 2)
            |> Datapoint.given [| label |])
    }

let private drawn () =
    use splits = (load (classes' 2 3) ring).Splits

    [
        for part in [ splits.Train; splits.Validation[0]; splits.Test[0] ] ->
            matrix part.Inputs, integers part.Targets, integers part.Side.Tasks, integers part.Side.Given
    ]

[<Tests>]
let tests =
    testList "data of a spec" [
        testScoped "arrays arrive as they are, with what is beside them"
        <| fun () ->
            let rows = [ [ 0.0f; 0.5f ]; [ 1.0f; -2.0f ]; [ 3.0f; 4.0f ] ]

            let data =
                in_memory "rows" {
                    inputs (array2D rows)
                    values (array2D [ [ 1.0f ]; [ 0.0f ]; [ 1.0f ] ])
                    tasks 4 [| 3; 0; 1 |]
                    given (array2D [ [ 0; 1 ]; [ 1; 1 ]; [ 0; 0 ] ])
                }

            use splits = (load (features' 2) data).Splits
            Expect.equal (matrix splits.Train.Inputs) [| for row in rows -> [| for x in row -> float x |] |] "x"
            Expect.equal (numbers splits.Train.Targets) [| 1.0; 0.0; 1.0 |] "y"
            Expect.equal splits.Train.Targets.shape [| 3L; 1L |] "shape of y"
            Expect.equal (integers splits.Train.Side.Tasks) [| 3; 0; 1 |] "tasks"
            Expect.equal (integers splits.Train.Side.Given) [| 0; 1; 1; 1; 0; 0 |] "choices"
            Expect.equal splits.Train.Side.Given.shape [| 3L; 2L |] "shape of choices"
            Expect.isEmpty splits.Test "no test"

        testScoped "datapoints of weight 0 are left out before others are held out, with all that is beside them"
        <| fun () ->
            let data =
                in_memory "rows" {
                    inputs (array2D [ for i in 0..9 -> [ float32 i ] ])
                    values (array2D [ for i in 0..9 -> [ float32 (i % 2) ] ])
                    tasks 10 [| 0..9 |]
                    given (array2D [ for i in 0..9 -> [ i; 9 - i ] ])
                    weights [| for i in 0..9 -> if i % 3 = 0 then 0.0f else float32 i / 2.0f |]
                    held_out 2
                }

            let source = load (features' 1) data
            use splits = source.Splits
            Expect.equal (source.Facts["weightless"].GetValue<int64>()) 4L "4 are left out"
            let parts = [ splits.Train; splits.Validation[0] ]
            Expect.equal [ for part in parts -> part.Count ] [ 4L; 2L ] "the others"

            Expect.equal
                (Set [
                    for part in parts do
                        yield! numbers part.Inputs
                ])
                (Set [ 1.0; 2.0; 4.0; 5.0; 7.0; 8.0 ])
                "x"

            for part in parts do
                let x = numbers part.Inputs
                Expect.equal (numbers part.Side.Weights) [| for x in x -> x / 2.0 |] "weights"
                Expect.equal (integers part.Side.Tasks) [| for x in x -> int x |] "tasks"
                Expect.equal (matrix part.Side.Given) [| for x in x -> [| x; 9.0 - x |] |] "choices"
                Expect.equal (numbers part.Targets) [| for x in x -> float (int x % 2) |] "y"

        testInDirectory "a text that was written anew is read anew, and one that was not is the same"
        <| fun directory ->
            let path = write directory "x.txt" "a b\na b\nc\n"

            let corpus () =
                Source.corpus { Path = path; Window = 5; Vocabulary = None; CarryState = false; Characters = false }

            let first = corpus ()
            Expect.isTrue (obj.ReferenceEquals(corpus (), first)) "words are counted once"
            // As long as before, and written within the clock's own steps: neither length nor time tells them apart.
            write directory "x.txt" "d e\nd f\ng\n" |> ignore
            let second = corpus ()
            Expect.equal (Set second.Vocabulary.Words) (Set [ "d"; "e"; "<unk>"; "<eos>" ]) "words of the new file"
            Expect.equal (List.ofSeq second.Files) [ ModNet.Runtime.DataFile.Of path ] "checksum of the new file"

        testScoped "images keep their order of values"
        <| fun () ->
            let value n c y x = float32 (1000 * n + 100 * c + 10 * y + x)

            let data =
                in_memory "images" {
                    inputs (Array4D.init 2 3 4 5 value)
                    classes 1 [| 0; 0 |]
                }

            let mine =
                network "net" {
                    image (3, 4, 5)
                    flatten
                    softmax 1
                }

            use splits = (load mine data).Splits
            Expect.equal splits.Train.Inputs.shape [| 2L; 3L; 4L; 5L |] "shape"

            Expect.equal
                (numbers splits.Train.Inputs)
                [|
                    for n in 0..1 do
                        for c in 0..2 do
                            for y in 0..3 do
                                for x in 0..4 -> float (value n c y x)
                |]
                "values"

        testScoped "held-out arrays keep what belongs together"
        <| fun () ->
            let count = 30

            let data =
                in_memory "split" {
                    inputs (Array2D.init count 1 (fun n _ -> float32 n))
                    classes count [| 0 .. count - 1 |]
                    tasks count [| 0 .. count - 1 |]
                    held_out 7
                    test 5
                }

            use splits = (load (classes' 1 count) data).Splits
            let parts = [ splits.Train; splits.Validation[0]; splits.Test[0] ]
            Expect.equal [ for part in parts -> part.Count ] [ 18L; 7L; 5L ] "counts"

            for part in parts do
                Expect.equal (integers part.Targets |> Array.map float) (numbers part.Inputs) "targets"
                Expect.equal (integers part.Side.Tasks) (integers part.Targets) "tasks"

            Expect.equal
                (parts |> Seq.collect (fun part -> integers part.Targets) |> Seq.sort |> List.ofSeq)
                [ 0 .. count - 1 ]
                "every datapoint once"

        testScoped "a generator draws from the experiment's seed, part after part"
        <| fun () ->
            let parts = drawn ()
            Expect.equal [ for x, _, _, _ in parts -> x.Length ] [ 20; 5; 4 ] "counts"
            Expect.equal (drawn ()) parts "the same again"

            let random = System.Random 3

            for x, labels, ids, choices in parts do
                for n in 0 .. x.Length - 1 do
                    let label = random.Next 3
                    Expect.equal labels[n] label "class"
                    Expect.equal x[n] [| float label; float (random.NextSingle()) |] "x"
                    Expect.equal ids[n] (label % 2) "task"
                    Expect.equal choices[n] label "choice"

        for name, point, said in
            [
                "x", Datapoint.labelled [| 1.0f |] 0, "expected 2 values of x, got 1"
                "a class", Datapoint.labelled [| 1.0f; 2.0f |] 3, "expected a class from 0 to 2, got 3"
                "y", Datapoint.valued [| 1.0f; 2.0f |] [| 3.0f |], "expected a class from 0 to 2, got values of y"
                "a task", Datapoint.labelled [| 1.0f; 2.0f |] 0, "expected a task id from 0 to 1, got none"
                "choices", Datapoint.labelled [| 1.0f; 2.0f |] 0 |> Datapoint.task 1, "expected 1 choices, got 0"
            ] do
            testCase $"a generator that gives other than it says: {name}"
            <| fun () ->
                let data =
                    generated "liar" {
                        features 2
                        classes 3
                        tasks 2
                        given 1
                        points 2
                        held_out 0
                        draw (fun _ -> point)
                    }

                complains (fun () -> (load (features' 2) data).Splits.Dispose()) [
                    "generated `liar`, datapoint 1"
                    said
                ]

        testCase "a Bernoulli head wants bits"
        <| fun () ->
            let data =
                in_memory "bits" {
                    inputs (array2D [ [ 1.0f ]; [ 2.0f ] ])
                    values (array2D [ [ 1.0f ]; [ 0.5f ] ])
                }

            complains (fun () -> (load (features' 1) data).Splits.Dispose()) [
                "net/bernoulli: expected targets that are 0 or 1, got 0.5"
            ]

        testInDirectory "a CSV file's width and tasks are held against the network"
        <| fun directory ->
            let path = write directory "x.csv" "a,b,t,y\n1,2,u,0\n3,4,v,1\n"

            let data =
                csv path {
                    target "y"
                    task "t"
                    held_out 0.0
                    test 0.0
                }

            use source = (load (features' 2) data).Splits
            Expect.equal (integers source.Train.Side.Tasks) [| 0; 1 |] "tasks, numbered in order"

            complains (fun () -> (load (features' 3) data).Splits.Dispose()) [
                $"net/features: expected width 2, the columns of {path}, got 3 – say `features 2`"
            ]

            let tasked =
                network "net" {
                    features 2
                    tasks 3
                    bernoulli
                }

            complains (fun () -> (load tasked data).Splits.Dispose()) [
                $"net/tasks: expected 2, the task ids of {path}, got 3 – say `tasks 2`"
            ]

        testInDirectory "files are told with their checksums, counts and labels"
        <| fun directory ->
            let path = write directory "x.csv" "a,y\n1,no\n2,yes\n3,no\n4,yes\n"

            let data =
                csv path {
                    target "y"
                    classes 2
                    held_out 0.25
                    test 0.0
                }

            let source = load (classes' 1 2) data
            use _splits = source.Splits

            Expect.equal
                (source.Facts.ToJsonString())
                // printf 'a,y\n1,no\n2,yes\n3,no\n4,yes\n' | sha256sum; of a single file the identity is the checksum's own checksum.
                "{\"kind\":\"csv\",\"identity\":\"efa67fb78e01\",\"files\":[{\"name\":\"x.csv\",\"bytes\":26,\"sha256\":\"ff32534e12dd323bfc3bb53f5ef9a07040d9ea6cb12735c3f92ea2c38aef1bd4\"}],\"train\":3,\"validation\":1,\"classes\":[\"no\",\"yes\"]}"
                "facts"

        testCase "a blank path asks for --data"
        <| fun () ->
            for source in [ csv "" { target "y" }; mnist " " { }; cifar10 "" { } ] do
                complains (fun () -> (load (features' 1) source).Splits.Dispose()) [
                    "--data: expected"
                    "got nothing"
                    "--data PATH"
                ]
    ]
