/// Networks as ONNX files, run by ONNX Runtime.
module ModNet.Tests.OnnxTests

open System
open System.IO
open Expecto
open FsCheck
open FsCheck.FSharp
open Microsoft.FSharp
open ModNet
open ModNet.Generators
open ModNet.Runtime
open ModNet.Tests.Clone
open TorchSharp

let private rowOf (network: Network) =
    match (NetworkRuns.plan network).Layers.Head.Output with
    | Shape.Vector width -> [| int64 width |]
    | Shape.Sequence width -> [| -1L; int64 width |]
    | Shape.Image(channels, height, width) -> [| int64 channels; int64 height; int64 width |]
    | _ -> [||]

let rec private anyLayer (holds: Layer -> bool) (layer: PlannedLayer) =
    holds layer.Layer
    || layer.Inside |> List.exists (List.exists (anyLayer holds))
    || layer.Pool |> Option.exists (fun pool -> pool.Units |> List.exists (List.exists (anyLayer holds)))

let private uncovered (layer: Layer) =
    match layer with
    | Layer.Custom _ -> true
    | Layer.Modular { Controller = Controller.Custom _ }
    | Layer.ModularGru { Candidate = { Controller = Controller.Custom _ } } -> true
    | _ -> false

let private isCovered (network: Network) = (NetworkRuns.plan network).Layers |> List.exists (anyLayer uncovered) |> not

/// A network's graph in single precision, with running averages that are not those that it begins with.
let private compiled (network: Network) : Graph =
    let graph = Compile.graph (Initialiser(generator 7)) (generator 8) network

    for struct (name, buffer) in graph.named_buffers () do
        if name.EndsWith "running_mean" then buffer.normal_ (0.0, 0.5, generator 11) |> ignore
        if name.EndsWith "running_var" then buffer.uniform_ (0.5, 2.0, generator 12) |> ignore

    graph.eval ()
    graph

let private near (place: string) (found: float list) (wanted: float list) =
    Expect.equal found.Length wanted.Length $"{place}: as many values"
    let scale = 1.0 + (wanted |> List.map abs |> List.fold max 0.0)

    for f, w in List.zip found wanted do
        Expect.isLessThan (abs (f - w) / scale) 1e-5 $"{place}: {f} and {w}"

let private wanted (x: torch.Tensor) = List.ofArray (numbers x)

/// The outputs of a file for x as it is asked are those of a graph.
let private agrees (path: string) (graph: Graph) (asked: torch.Tensor) (side: SideInputs) (said: Prediction) =
    let declared = Collections.Generic.List<string * torch.Tensor>([ "x", asked ])

    let needs (kind: Type) = graph.Nodes |> Seq.collect _.Controllers |> Seq.exists (fun c -> c.GetType() = kind)

    if not (isNull side) then
        if needs typeof<TaskController> || needs typeof<ByTaskController> then declared.Add("tasks", side.Tasks)
        if needs typeof<GivenController> then declared.Add("given", side.Given)

    let found = OnnxRun.outputs path (List.ofSeq declared)
    let batch = int asked.shape[0]

    for name, values in
        [
            match graph.Head with
            | :? GaussianHead -> "mean", said.Mode
            | _ -> "probabilities", said.Probabilities
        ] do
        let shape, numbers = found[name]
        Expect.equal shape [ for size in values.shape -> int size ] $"{name}: shape"
        near name numbers (wanted values)

    let sites = said.Choices |> Seq.groupBy _.Layer |> Seq.map (fun (layer, sites) -> layer, List.ofSeq sites)

    for layer, sites in sites do
        let shape, numbers = found[$"modules:{layer}"]
        let choose = sites.Head.Modules[0].Length
        let steps = if shape.Length = 3 then [ sites.Length ] else []
        Expect.equal shape ([ batch ] @ steps @ [ choose ]) $"{layer}: shape"

        let a = [
            for row in 0 .. batch - 1 do
                for site in sites do
                    for m in site.Modules[row] -> float m
        ]

        Expect.equal numbers a $"{layer}: the modules that ran"

    Expect.equal found.Count ((if graph.Head :? GaussianHead then 1 else 2) + Seq.length sites) "no other output"

/// A network as a file says what its graph says, of several numbers of datapoints.
let private asFile (selector: Selector) (network: Network) =
    inDirectory
    <| fun directory ->
        scoped
        <| fun () ->
            let path = Path.Combine(directory, "model.onnx")
            use graph = compiled network
            OnnxFile.Write(path, graph, selector, rowOf network) |> ignore

            for datapoints, steps in [ 1, 3; 5, 2 ] do
                let batch =
                    Batches.draw
                        {
                            Datapoints = datapoints
                            Steps = steps
                            Seed = 5
                            DType = torch.ScalarType.Float32
                            Weighted = false
                        }
                        network

                use said = Prediction.Of(graph, batch.Inputs, selector, batch.Side)
                agrees path graph batch.Inputs batch.Side said

let private mode: Selector = ModeSelector()

/// The kinds of layers of a network, those in modules and branches among them.
let private kinds (network: Network) : Set<string> =
    let seen = Collections.Generic.HashSet<string>()

    let note (layer: Layer) =
        let case, _ = Reflection.FSharpValue.GetUnionFields(layer, typeof<Layer>)
        seen.Add case.Name |> ignore
        false

    for layer in (NetworkRuns.plan network).Layers do
        anyLayer note layer |> ignore

    Set seen

let private tried = Collections.Generic.HashSet<string>()

[<Tests>]
let tests =
    testSequenced
    <| testList "onnx" [
        testPropertyWithConfig
            { NetworkRuns.config 8801 400 with endSize = 30 }
            "a generated network as a file gives the same numbers, chosen modules among them"
        <| fun (network: Network) ->
            if isCovered network then
                asFile mode network

                for kind in kinds network do
                    tried.Add kind |> ignore

        testCase "couplings and their inverses, of vectors and of images"
        <| fun () ->
            for network in
                [
                    network "vectors" {
                        features 4

                        coupling {
                            modular {
                                modules 3
                                unit (linear 2 |> tanh)
                                choose 2
                            }
                        }

                        uncoupling { linear 2 |> relu }
                        softmax 3
                    }
                    network "images" {
                        image (4, 3, 2)
                        uncoupling { conv 2 3 |> same |> tanh }
                        coupling { conv 2 1 |> tanh }
                        flatten
                        softmax 3
                    }
                ] do
                asFile mode network

                for kind in kinds network do
                    tried.Add kind |> ignore

        testCase "one vector of a sequence, a vector as an image, and a program"
        <| fun () ->
            let operators =
                pool "operators" {
                    modules 2
                    unit (linear 3 |> tanh)
                }

            for network in
                [
                    network "last" {
                        sequence 2
                        gru 3
                        last_step
                        softmax 3
                    }
                    network "mean" {
                        sequence 2
                        linear 3 |> tanh
                        mean_steps
                        softmax 3
                    }
                    network "image" {
                        features 8
                        as_image (2, 2, 2)
                        conv 2 2
                        flatten
                        softmax 3
                    }
                    network "program" {
                        features 8

                        program "solve" {
                            registers 2
                            width 3
                            question 2
                            steps 3
                            from operators
                            arity 2
                        }

                        softmax 3
                    }
                ] do
                asFile mode network

                for kind in kinds network do
                    tried.Add kind |> ignore

        testCase "boundaries, which a file knows nothing of"
        <| fun () ->
            let cut =
                network "cut" {
                    features 4
                    linear 3 |> tanh

                    boundary (
                        synthetic {
                            hidden [ 5 ]
                            sees_target true
                        }
                    )

                    linear 3 |> tanh
                    boundary Boundary.LocalHead
                    linear 3 |> tanh
                    boundary Boundary.Closed
                    softmax 3
                }

            asFile mode cut

            for kind in kinds cut do
                tried.Add kind |> ignore

        testCase "every kind of layer was among them"
        <| fun () ->
            let all = Set [ for case in Reflection.FSharpType.GetUnionCases typeof<Layer> -> case.Name ]
            let missing () = all - Set [ "Custom" ] - Set tried

            // A rare kind that chance left out is looked for among more networks.
            for network in Gen.sampleWithSeed (Rnd(8802UL, 1UL)) 30 2_000 Networks.sound do
                let missing = missing ()

                if not missing.IsEmpty && isCovered network then
                    let own = kinds network

                    if not (Set.intersect own missing).IsEmpty then
                        asFile mode network
                        own |> Set.iter (tried.Add >> ignore)

            let missing = missing ()
            Expect.isEmpty missing $"kinds that no network had: {missing}"

        testCase "every activation, on rows and on images"
        <| fun () ->
            for activation in Fixtures.activations do
                for shape in [ [ 4 ]; [ 3; 2; 2 ] ] do
                    inDirectory
                    <| fun directory ->
                        scoped
                        <| fun () ->
                            let path = Path.Combine(directory, "model.onnx")

                            use graph =
                                new Graph([| new ActivationNode("activation1", activation) |], new BernoulliHead())

                            OnnxFile.Write(path, graph, mode, [| for size in shape -> int64 size |]) |> ignore
                            let x = (normal 3 (5 :: shape)).to_type torch.ScalarType.Float32
                            use said = Prediction.Of(graph, x, mode)
                            agrees path graph x null said

        testCase "always the same modules, as a static run has them"
        <| fun () -> asFile (FirstSelector()) (ExampleNetworks.cifar 2)

        testInDirectory "a run's file reads what predict reads: raw rows, bytes of images, words"
        <| fun directory ->
            let exported (name: string) (folder: string) =
                let out = Path.Combine(directory, $"{name}-onnx")
                Trained.export_onnx folder out
                Path.Combine(out, OnnxFile.FileName), File.ReadAllText(Path.Combine(out, "README.md"))

            let ask (name: string) (folder: string) (x: TrainedNetwork -> torch.Tensor * SideInputs) =
                scoped
                <| fun () ->
                    use trained = Trained.load folder
                    let path, card = exported name folder
                    let x, side = x trained
                    use said = trained.Examine(x, null, side)
                    agrees path trained.Graph x side said
                    path, card

            let rows (trained: TrainedNetwork) =
                match trained.Experiment.Data with
                | Data.Csv csv ->
                    let asked = CsvQuestions.Load(csv.Path, Source.layout csv, trained.Preparation.Value)
                    asked.Inputs, asked.Side
                | _ -> failtest "rows"

            let path, card = ask "classes" (SmallRuns.ofClasses directory 1) rows
            Expect.equal (OnnxRun.metadata(path)["classes"]) """["setosa","virginica, blue"]""" "names of classes"
            Expect.equal (OnnxRun.metadata(path)["columns"]) """["length","width"]""" "names of columns"

            for line in
                [
                    "| input | `x` | float64 | [batch, 2] |"
                    "| output | `probabilities` | float32 | [batch, 2] |"
                    "| output | `modules:modular1` | int64 | [batch, 2] |"
                ] do
                Expect.stringContains card line "the card"

            let path, _ = ask "table" (SmallRuns.ofTable directory) rows
            let said = OnnxRun.metadata path
            Expect.equal said["levels"] """{"colour":["blue","red",""],"month":["1","2","3","4"]}""" "levels by code"
            Expect.equal said["deviation"] "1" "of the Gaussian"
            let path, _ = ask "bits" (SmallRuns.ofBits directory) rows
            Expect.equal (OnnxRun.metadata(path)["tasks"]) """["art","maths"]""" "names of tasks"

            ask "images" (SmallRuns.ofImages directory) (fun _ ->
                torch.randint (256L, [| 3L; 1L; 28L; 28L |], torch.ScalarType.Byte, generator = generator 3), null)
            |> ignore

            let path, card =
                ask "text" (SmallRuns.ofText directory false) (fun _ ->
                    torch.randint (5L, [| 2L; 7L |], torch.ScalarType.Int64, generator = generator 3), null)

            Expect.stringContains (OnnxRun.metadata(path)["words"]) "\"ada\"" "the words"
            Expect.stringContains card "| input | `x` | int64 | [batch, steps] |" "the card"

        testInDirectory "export --format onnx: a folder that predict takes too, or one message and no folder"
        <| fun directory ->
            let folder = SmallRuns.ofClasses directory 1
            let out = Path.Combine(directory, "out")
            let code, _, errors = CommandHost.modnet [ "export"; folder; "--out"; out; "--format"; "onnx"; "--best" ]
            Expect.equal code 0 errors
            let asked = Path.Combine(directory, "flowers.csv")
            let said (from: string) (more: string list) = modnet ([ "predict"; from; "--data"; asked ] @ more)
            Expect.equal (said out []) (said folder [ "--best" ]) "the same network"
            CommandHost.refused 2 [ "export"; folder; "--out"; out; "--format"; "onxx" ] [ "onxx" ]
            let path = Path.Combine(directory, "model.onnx")

            scoped
            <| fun () ->
                use custom = new Graph([| new CustomNode("custom1", torch.nn.Linear(2L, 2L)) |], new BernoulliHead())

                complains (fun () -> OnnxFile.Write(path, custom, mode, [| 2L |]) |> ignore) [
                    "custom1: expected layers that an ONNX file of ours can hold, got a custom module"
                ]

                use graph = compiled ExampleNetworks.toy

                complains (fun () -> OnnxFile.Write(path, graph, new NoisyTopKSelector(1), [| 2L |]) |> ignore) [
                    "train: expected a method that runs the most probable modules, or always the same ones"
                ]

            Expect.isFalse (File.Exists path) "nothing is written"
    ]
