namespace ModNet

open System.Text.Json.Nodes
open ModNet.Runtime
open TorchSharp

/// The page that goes with exported weights: what the network is, where it comes from, how well it does, and how to load it.
module internal ModelCard =

    let private table (headings: string list, rows: string list list) = MarkdownTable.lines headings rows

    let private tensors (graph: Graph) =
        table (
            [ "tensor"; "shape"; "type" ],
            [
                for KeyValue(name, value) in graph.state_dict () |> Seq.sortBy _.Key ->
                    let sizes = value.shape |> Seq.map string |> String.concat ", "
                    [ $"`{name}`"; $"[{sizes}]"; string value.dtype ]
            ]
        )

    /// What the run's summary says of its data: names, sizes and checksums.
    let private data (summary: JsonObject) : string list =
        match summary["data"] with
        | :? JsonObject as data -> [
            let said (name: string) = data[name] |> Option.ofObj |> Option.map string

            for name in [ "kind"; "identity"; "train"; "validation"; "test" ] do
                match said name with
                | Some value -> $"* {name}: {value}"
                | None -> ()

            match data["files"] with
            | :? JsonArray as files ->
                for file in files do
                    match file with
                    | :? JsonObject as file ->
                        let field (name: string) =
                            file[name] |> Option.ofObj |> Option.map string |> Option.defaultValue "?"

                        $"""* file `{field "name"}`, {field "bytes"} bytes, SHA-256 `{field "sha256"}`"""
                    | _ -> ()
            | _ -> ()
          ]
        | _ -> [ "The run's folder has no summary, so nothing is known of its data." ]

    let private fenced (language: string) (text: string) = [ "```" + language; text.TrimEnd(); "```" ]

    /// How the ONNX file is run.
    let private onnx (name: string) (ports: OnnxPorts) : string list = [
        let rows (way: string) (all: OnnxPort seq) = [
            for port in all -> [ way; $"`{port.Name}`"; port.Type; port.Shape ]
        ]

        $"`{OnnxFile.FileName}` is the network for other programs, such as ONNX Runtime. It takes the most probable module of every position, in any number of"
        "datapoints at a time (`batch`). x is as the data have it: what `data.json` says is done inside, so columns are not yet standardised, the pixels of"
        "images are bytes, categories are codes (their places in `levels`), dates are days since the beginning of 1970, and missing numbers are NaN."
        "The file's metadata hold the names of classes, words, columns, levels and tasks as JSON, and a Gaussian's `deviation`, where there are such."
        ""
        yield! table ([ ""; "name"; "type"; "shape" ], rows "input" ports.Inputs @ rows "output" ports.Outputs)
        ""

        yield!
            fenced
                "python"
                $"import onnxruntime\n\nsession = onnxruntime.InferenceSession(\"{name}/{OnnxFile.FileName}\")\noutputs = session.run(None, {{\"x\": x}})"
    ]

    /// The card of a run whose weights are those after `step` gradient steps; `name` is that of the folder that it lies in. `ports` are those of the ONNX
    /// file that lies there, too.
    let text
        (folder: string)
        (name: string)
        (experiment: Experiment)
        (graph: Graph)
        (step: int64)
        (ports: OnnxPorts option)
        : string =
        let summary = RunFiles.summary folder
        let network = experiment.Network
        let parameters = graph.parameters () |> Seq.sumBy _.numel()

        let section (heading: string) (lines: string list) = [ ""; $"## {heading}"; ""; yield! lines ]

        [
            $"# {network.Name}"
            ""
            $"A modular network, trained with ModNet; {Numbers.grouped parameters} parameters."
            yield!
                section "The network" [
                    match Check.network network with
                    | Ok summary -> yield! fenced "text" (string summary)
                    | Error _ -> "`spec.json` declares it."
                ]
            yield! section "The data" (summary |> Option.map data |> Option.defaultValue (data (JsonObject())))
            yield!
                section "The training" [
                    $"These are the weights after {Numbers.grouped step} of {Numbers.grouped experiment.Steps} gradient steps; seed {experiment.Seed}."

                    match summary |> Option.bind RunFiles.command with
                    | Some command ->
                        ""
                        yield! fenced "sh" command
                    | None -> ()

                    match RunFiles.settings folder with
                    | Some settings ->
                        ""
                        yield! table settings
                    | None -> ()
                ]
            yield!
                section "Results" [
                    match summary |> Option.bind RunFiles.results with
                    | Some results ->
                        "What was measured at the end of the run, and at its best step by the validation set where there is one."
                        ""
                        yield! table results
                    | None -> "The run's folder has no summary, so nothing is known of how well it does."
                ]
            yield!
                section "How to load it" [
                    "In ModNet, where the folder is opened as a run's folder is:"
                    ""
                    yield!
                        fenced
                            "fsharp"
                            $"let trained = Trained.load \"{name}\"\nuse probabilities = trained.PredictProbabilities(x)"
                    ""
                    yield! fenced "sh" $"./modnet predict {name} --data DATA"
                    ""
                    "In Python, as tensors by name, without ModNet:"
                    ""
                    yield!
                        fenced
                            "python"
                            $"from safetensors.numpy import load_file\n\nweights = load_file(\"{name}/{ExportedWeights.FileName}\")"
                    ""
                    $"`spec.json` declares the network, and `{Preparation.FileName}` says how data become its inputs."
                ]
            match ports with
            | Some ports -> yield! section "As ONNX" (onnx name ports)
            | None -> ()
            yield! section "Tensors" (tensors graph)
            match RunFiles.spec folder with
            | Some spec -> yield! section "The spec" (fenced "json" spec)
            | None -> ()
        ]
        |> String.concat "\n"
        |> fun card -> card + "\n"
