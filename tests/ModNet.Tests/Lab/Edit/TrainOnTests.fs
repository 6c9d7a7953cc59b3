/// Edited networks that are trained on from a script.
module ModNet.Tests.TrainOnTests

open System.IO
open Expecto
open ModNet
open ModNet.Generators
open ModNet.Runtime
open ModNet.Tests.Running
open TorchSharp

let private words =
    pool "words" {
        modules 4
        unit (linear 6 |> tanh)
    }

let private layers =
    network "layers" {
        features 3

        modular {
            from words
            choose 1
        }

        linear 6 |> relu
        softmax 3
    }

let private run' (folder: string) =
    experiment {
        net layers
        data (Arrays.triangles "90 triangles" 90)

        train (
            em {
                samples 3
                m_steps 5
                batch 15
                steps 30
                optimizer (Adam 0.02)
            }
        )

        validate_every 10
        seed 3
        out folder
    }

let private trained (directory: string) : Experiment =
    let experiment = run' (Path.Combine(directory, "first"))
    quietly (fun () -> Running.train Settings.none experiment |> ignore)
    experiment

let private load (experiment: Experiment) = experiment.Out.Value |> Trained.load_as (Experiment.with_code_of experiment)

let private weights (run: TrainedNetwork) = [
    for KeyValue(name, value) in run.Graph.state_dict () do
        name, value.bytes.ToArray()
]

let private config seed count = { NetworkRuns.config seed count with arbitrary = [ typeof<Arbitraries> ] }

[<Tests>]
let tests =
    testSequenced
    <| testList "trained on" [
        testInDirectory "what goes on in a folder ends as a longer run does, and a second call opens what is there"
        <| fun directory ->
            let experiment = trained directory
            let straight = { experiment with Out = Some(Path.Combine(directory, "straight")) }
            let longer = { straight with Method = straight.Method.WithSteps 50 }
            quietly (fun () -> Running.train Settings.none longer |> ignore)
            use run = load experiment
            let folder = Path.Combine(directory, "more")
            use more = quietly (fun () -> Edit.go_on 20 folder run)
            use expected = load longer
            Expect.equal more.Step 50L "steps"
            Expect.equal (weights more) (weights expected) "weights, bit for bit"
            let written = File.GetLastWriteTimeUtc(Path.Combine(folder, "checkpoint.safetensors"))
            use again = quietly (fun () -> Edit.go_on 20 folder run)
            Expect.equal (weights again) (weights more) "the same"
            Expect.equal (File.GetLastWriteTimeUtc(Path.Combine(folder, "checkpoint.safetensors"))) written "not again"

        testInDirectory "a folder with another network's training is refused, and stays as it is"
        <| fun directory ->
            let experiment = trained directory
            use run = load experiment
            let folder = Path.Combine(directory, "more")
            use _more = quietly (fun () -> Edit.go_on 5 folder run)
            use other = Edit.substitute "words" 0 run "words" 1 run

            let mistake = Expect.throwsC (fun () -> Edit.go_on 5 folder other |> ignore) (fun found -> found.Message)

            Expect.equal
                mistake
                $"{folder}: expected a new folder, or one where this network went on before, got another run – name another folder"
                "message"

            Expect.throwsC (fun () -> Edit.go_on 0 folder run |> ignore) (fun found ->
                Expect.equal
                    found.Message
                    "go_on: expected a number of steps ≥ 1, got 0 – give a positive number"
                    "no steps")

        testInDirectory
            "where one module alone learns, datapoints that do not meet it keep their outputs, bit for bit, and the report says so"
        <| fun directory ->
            let experiment = trained directory
            use run = load experiment

            let most =
                [ 0..3 ]
                |> List.maxBy (fun number ->
                    use without = Edit.exclude "words" [ number ] run
                    (EditReport.between 90 run without).Affected.Count)

            use frozen = Edit.freeze_but [ $"words/{most}" ] run
            use more = quietly (fun () -> Edit.go_on 20 (Path.Combine(directory, "more")) frozen)
            let report = EditReport.between 90 run more
            Expect.isGreaterThan report.Affected.Count 0L "some are affected"
            Expect.isGreaterThan report.Affected.LargestChange 0.0 "and change"
            Expect.equal report.Unaffected.LargestChange 0.0 "the others are as they were"

            for (name, before), (_, after) in List.zip (weights run) (weights more) do
                if not (name.Contains "pools.words") then Expect.equal after before name

        testInDirectory
            "fine-tuning begins with all weights, on other data, at step 0; a head of other classes begins anew"
        <| fun directory ->
            let experiment = trained directory
            use run = load experiment
            let onto = { run' (Path.Combine(directory, "onto")) with Data = Arrays.triangles "60 triangles" 60 }
            use tuned = Edit.fine_tune onto run
            Expect.equal tuned.Step 0L "step"
            Expect.equal (weights tuned) (weights run) "weights"
            use more = quietly (fun () -> Edit.go_on 10 (Path.Combine(directory, "tuned")) tuned)
            Expect.equal more.Step 10L "it learns"
            Expect.notEqual (weights more) (weights run) "something"

            let wider = {
                onto with
                    Network =
                        network "wider" {
                            features 3

                            modular {
                                from words
                                choose 1
                            }

                            linear 6 |> relu
                            softmax 5
                        }
            }

            let five =
                in_memory "five" {
                    inputs (Array2D.zeroCreate 20 3)
                    classes 5 (Array.init 20 (fun n -> n % 5))
                }

            use other = Edit.fine_tune { wider with Data = five } run

            for (name, before), (_, after) in List.zip (weights run) (weights other) do
                if not (name.StartsWith "head.") then Expect.equal after before name

            let deeper = {
                onto with
                    Network =
                        network "deeper" {
                            features 3

                            modular {
                                from words
                                choose 1
                            }

                            linear 7 |> relu
                            softmax 3
                        }
            }

            let mistake = Expect.throwsC (fun () -> Edit.fine_tune deeper run |> ignore) (fun found -> found.Message)

            Expect.equal
                mistake
                "deeper, linear1.weight: expected the layers of layers, but for the head: 7 × 6, got 6 × 6 – declare the network that was trained, with another head at most"
                "message"

        testPropertyWithConfig (config 93 60) "what freeze_but keeps can learn, and nothing else can"
        <| fun (network: Network) ->
            scoped (fun () ->
                use run = EditLaws.trainedOf network

                for pool in run.Plan.Pools do
                    let kept = $"{pool.Name}/0"

                    match FrozenParts.allBut run.Plan [ kept ] with
                    | None ->
                        Expect.exists
                            (run.Plan.Layers |> List.collect _.Unfolded)
                            (fun layer -> layer.Layer.IsModularGru)
                            "only gates have no name"
                    | Some _ ->
                        use frozen = Edit.freeze_but [ kept ] run
                        use graph = Compile.graph (doubles 7) (generator 8) network
                        Compile.freeze run.Plan frozen.Experiment.Frozen graph
                        let own = graph.Pools |> Seq.find (fun known -> known.Name = pool.Name)
                        let names = own.named_parameters () |> Seq.map (fun struct (_, value) -> value.Handle) |> set

                        for struct (name, parameter) in graph.named_parameters () do
                            if parameter.requires_grad then
                                Expect.isTrue (names.Contains parameter.Handle) $"{name} is of the pool"

                        let learning = Freezing.ModulesThatLearnAlone graph |> Option.ofNullable

                        match learning with
                        | Some(struct (name, modules)) ->
                            Expect.equal (name, List.ofSeq modules) (pool.Name, [ 0 ]) "that module alone"
                        | None ->
                            Expect.isFalse
                                (own.parameters () |> Seq.exists _.requires_grad)
                                "a module without parameters")
    ]
