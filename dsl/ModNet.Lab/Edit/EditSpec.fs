namespace ModNet

open ModNet.Runtime

/// What an edit of a pool changes in an experiment.
[<RequireQualifiedAccess>]
module internal EditSpec =

    /// The pool that a trained network's plan has under this name. UserException where there is none.
    let pool (plan: Plan) (name: string) : PlannedPool =
        match plan.Pools |> List.tryFind (fun pool -> pool.Name = name) with
        | Some pool -> pool
        | None ->
            let known = plan.Pools |> List.map (fun pool -> $"`{pool.Name}`")

            Refusal.refuse
                plan.Network.Name
                "a pool of the network"
                $"`{name}`"
                (if known.IsEmpty then "the network has no pools" else "it has " + String.concat ", " known)

    let private modular (change: Modular -> Modular) (layer: Layer) =
        match layer with
        | Layer.Modular settings -> Layer.Modular(change settings)
        | Layer.ModularGru gru -> Layer.ModularGru { gru with Candidate = change gru.Candidate }
        | other -> other

    /// Every modular layer over a pool, changed.
    let overPool (plan: Plan) (name: string) (change: Modular -> Modular) (network: Network) : Network =
        match (pool plan name).Pool.Name with
        | Some shared ->
            network
            |> LayerTree.modulars (fun modular -> if modular.Pool.Name = Some shared then change modular else modular)
        | None -> NamedLayers.change (name.Substring(0, name.Length - "/pool".Length)) (modular change) network

    /// The names of frozen modules as they are after the edit.
    let private frozen (name: string) (rows: ModuleRows) (parts: string list) : string list =
        let became = rows.From |> Seq.indexed |> Seq.filter (fun (_, from) -> from >= 0) |> Seq.groupBy snd |> Map.ofSeq

        parts
        |> List.collect (fun part ->
            let module' = part.Substring(part.LastIndexOf '/' + 1)

            match System.Int32.TryParse module' with
            | true, number when part = $"{name}/{number}" ->
                became.TryFind number
                |> Option.map (Seq.map (fun (now, _) -> $"{name}/{now}") >> List.ofSeq)
                |> Option.defaultValue []
            | _ -> [ part ])

    /// The experiment with a pool's modules as the rows say. Masks and frozen modules follow theirs, and new modules are not masked.
    let rows (plan: Plan) (name: string) (rows: ModuleRows) (experiment: Experiment) : Experiment =
        let from = List.ofSeq rows.From

        let change (modular: Modular) =
            if modular.Halts && List.tryLast from <> Some(modular.Pool.Modules - 1) then
                Refusal.refuse
                    name
                    $"the module that halts, {modular.Pool.Modules - 1}, to stay the last"
                    "an edit that puts another in its place"
                    "leave it where it is"

            let units =
                match modular.Pool.Units with
                | [ _ ] as alike -> alike
                | units -> from |> List.map (fun before -> units[max 0 before])

            {
                modular with
                    Pool = { modular.Pool with Modules = from.Length; Units = units }
                    Masked = [
                        for now, before in List.indexed from do
                            if List.contains before modular.Masked then now
                    ]
            }

        {
            experiment with
                Network = overPool plan name change experiment.Network
                Frozen = frozen name rows experiment.Frozen
        }

    /// A datapoint of zeros, as the graph reads it, and what it brings beside: enough to see which sites a datapoint meets.
    let zeros (experiment: Experiment) (plan: Plan) (graph: Graph) : TorchSharp.torch.Tensor * SideInputs =
        let input = plan.Layers.Head.Output

        let device =
            graph.parameters () |> Seq.tryHead |> Option.map _.device |> Option.defaultValue TorchSharp.torch.CPU

        let steps =
            match List.tryHead experiment.Data.Parts with
            | Some(Data.Text text) -> int64 text.Window
            | Some(Data.InMemory data) -> int64 data.Steps
            | _ -> 1L

        let x =
            match input with
            | Shape.Tokens _ -> TorchSharp.torch.zeros (1L, steps, dtype = TorchSharp.torch.int64, device = device)
            | Shape.Vector width -> TorchSharp.torch.zeros (1L, int64 width, device = device)
            | Shape.Sequence width -> TorchSharp.torch.zeros (1L, steps, int64 width, device = device)
            | Shape.Image(channels, height, width) ->
                TorchSharp.torch.zeros ([| 1L; int64 channels; int64 height; int64 width |], device = device)

        let ids = TorchSharp.torch.zeros (1L, dtype = TorchSharp.torch.int64, device = device)

        let given =
            if graph.GivenChoices > 0L then
                TorchSharp.torch.zeros (1L, graph.GivenChoices, dtype = TorchSharp.torch.int64, device = device)
            else
                null

        x, SideInputs(ids, given)
