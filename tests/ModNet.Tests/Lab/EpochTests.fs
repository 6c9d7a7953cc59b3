/// Lengths of training that are said in epochs.
module ModNet.Tests.EpochTests

open System
open System.IO
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.ExampleNetworks
open ModNet.Tests.Running

let private on (directory: string) (method': Method) =
    experiment {
        net toy

        data (
            toy_regression {
                points 100
                held_out 16
            }
        )

        train method'
        validate_every 5
        out (Path.Combine(directory, "run"))
    }

/// Four steps an epoch, of which the last has the rest.
let private three =
    em {
        batch 32
        epochs 3
        schedule (Warmup(2, Cosine))
    }

let private weights = Learned.tensorsOf

let private printed (action: unit -> unit) =
    let before = Console.Out
    use writer = new StringWriter()
    Console.SetOut writer

    try
        action ()
    finally
        Console.SetOut before

    writer.ToString()

let private planned (mine: Experiment) =
    match
        RunReader.read (row "it" { run (fun _ -> mine) }) mine.Seed mine.Out.Value, RunOverview.read "it" mine.Out.Value
    with
    | Some(found, _), Ok listed ->
        Expect.equal listed.Planned found.Planned "a list of runs says the same as a study"
        found.Finished, found.Planned
    | _, found -> failtest $"no run: {found}"

[<Tests>]
let tests =
    testSequenced
    <| testList "epochs" [
        testInDirectory "a run of epochs is the run of as many steps, bit for bit, and says so"
        <| fun directory ->
            let run = on directory three
            let mutable outcome = None
            let said = printed (fun () -> scoped <| fun () -> outcome <- Some(train Settings.none run))
            Expect.equal (outcome.Value.Steps, outcome.Value.Planned) (12L, 12L) "⌈100 / 32⌉ · 3 steps"
            Expect.stringContains said "step 12/12 · epoch 3/3 · " "the progress line"
            let folder = run.Out.Value
            Expect.equal (Experiment.of_json (File.ReadAllText(Path.Combine(folder, "spec.json")))) (Ok run) "the spec"
            Expect.equal (planned run) (true, 12L) "to a study"

            inDirectory
            <| fun other ->
                let inSteps = on other (three.WithSteps 12)
                quietly (fun () -> scoped <| fun () -> train Settings.none inSteps |> ignore)
                Expect.equal (weights folder) (weights inSteps.Out.Value) "weights, and all that is remembered"

            let settings = (RunFiles.settings folder).Value |> snd |> List.map (fun row -> row[0], row[1])
            Expect.contains settings ("epochs", "3") "in the report's table of settings"
            Expect.isFalse (List.contains ("steps", "0") settings) "without steps that nobody said"

            // As a study keeps a log without data.json.
            File.Delete(Path.Combine(folder, "data.json"))
            Expect.equal (planned run) (true, 12L) "from the summary alone"

        testInDirectory "it goes on with more epochs, and by steps"
        <| fun directory ->
            let run = on directory three
            quietly (fun () -> scoped <| fun () -> train Settings.none run |> ignore)
            let onwards = { Settings.none with Resume = true; Epochs = Some 4 }
            let longer = Settings.apply onwards run
            Expect.equal longer.Method (three.WithEpochs 4) "from the command line"
            let outcome = quietly (fun () -> scoped <| fun () -> train onwards longer)
            Expect.equal outcome.Steps 16L "four epochs"
            let bySteps = { Settings.none with Resume = true; Steps = Some 18 }
            let longest = Settings.apply bySteps run
            Expect.equal longest.Method (three.WithSteps 18) "--steps takes the place of epochs"
            let outcome = quietly (fun () -> scoped <| fun () -> train bySteps longest)
            Expect.equal outcome.Steps 18L "steps"
            Expect.equal (planned longest) (true, 18L) "planned"

        testCase "--epochs takes the place of steps, and both are one too many"
        <| fun () ->
            let mine =
                em {
                    batch 32
                    steps 7
                }

            let run = on "nowhere" mine
            let epochs = Settings.apply { Settings.none with Epochs = Some 2 } run
            Expect.equal epochs.Method ((em { batch 32 }).WithEpochs 2) "epochs alone"
            let both = Settings.apply { Settings.none with Steps = Some 5; Epochs = Some 2 } run

            match Check.experiment both with
            | Error [ only ] -> Expect.equal only.Fault Fault.LengthTwice "one message"
            | other -> failtest $"{other}"

        testInDirectory
            "a warmup that takes longer than the epochs is refused when the data are there, and nothing is written"
        <| fun directory ->
            let long =
                exact {
                    batch 32
                    epochs 2
                    schedule (Warmup(8, Constant))
                }

            let run = on directory long
            Expect.isOk (Check.experiment run) "before the data are there"

            complains (fun () -> quietly (fun () -> scoped <| fun () -> train Settings.none run |> ignore)) [
                "toy/train/schedule: expected a warmup of fewer than 8 gradient steps, which are all there are, got 8"
            ]

            Expect.isFalse (Directory.Exists run.Out.Value) "no folder"

        testInDirectory "more epochs than steps can be counted are refused"
        <| fun directory ->
            let run = on directory ((exact { batch 1 }).WithEpochs 30_000_000)

            complains (fun () -> quietly (fun () -> scoped <| fun () -> train Settings.none run |> ignore)) [
                "toy/train/epochs: expected at most 21,474,836 epochs of 100 gradient steps, got 30,000,000"
            ]

        testInDirectory "an epoch of a text is of its windows, and without the rest where state is carried"
        <| fun directory ->
            let path = Path.Combine(directory, "text.txt")
            File.WriteAllLines(path, [ for i in 1..120 -> $"a b c d w{i % 5}" ])

            for carried in [ false; true ] do
                let made words =
                    experiment {
                        net (
                            network "words" {
                                tokens words
                                embed 3
                                gru 3
                                softmax words
                            }
                        )

                        data (
                            text path {
                                window 7
                                carry_state carried
                            }
                        )

                        train (
                            static_modules {
                                batch 5
                                epochs 2
                            }
                        )

                        out (Path.Combine(directory, $"{carried}"))
                    }

                let data = { Path = path; Window = 7; Vocabulary = None; CarryState = carried; Characters = false }
                let corpus = Source.corpus data
                use splits = corpus.Windows(7, carried)
                let windows = splits.Train.Count
                Expect.notEqual (windows % 5L) 0L "a rest"
                let each = if carried then windows / 5L else windows / 5L + 1L
                let run = made corpus.Vocabulary.Size
                let outcome = quietly (fun () -> scoped <| fun () -> train Settings.none run)
                Expect.equal outcome.Steps (2L * each) $"carried: {carried}"
                Expect.equal (Epochs.planned (Check.experiment run |> Refusal.orRaise)) (Some outcome.Steps) "foretold"
    ]
