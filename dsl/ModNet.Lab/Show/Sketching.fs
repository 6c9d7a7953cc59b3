namespace ModNet.Pictures

open System
open System.Collections.Generic
open ModNet

/// Makes the sketch of a planned network, from which it is drawn.
[<RequireQualifiedAccess>]
module internal Sketching =

    /// The first lines, and how many more there are.
    let private atMost limit (lines: string list) =
        if lines.Length <= limit then
            lines
        else
            List.take (limit - 1) lines @ [ $"… and {lines.Length - limit + 1} more" ]

    let private unitLines (pool: Pool) =
        match pool.Units with
        | [ unit ] -> unit |> List.map Kind.describe |> atMost 8
        | units -> units |> List.mapi (fun index unit -> $"{index}: {Kind.describeUnit unit}") |> atMost 8

    let private layersOf count = if count = 1 then "used by 1 layer" else $"shared by {count} layers"

    let private poolCard (layers: PlannedLayer list) (pool: PlannedPool) : PoolCard =
        let users = layers |> List.filter (fun layer -> layer.Pool |> Option.exists (fun p -> p.Name = pool.Name))

        let everyStep = users |> List.exists _.Input.IsSequence

        {
            Name = pool.Name
            Modules = pool.Pool.Modules
            Unit = unitLines pool.Pool
            Signatures =
                users
                |> List.choose _.Pool
                |> List.map (fun p -> $"{p.Input} → {p.Output}")
                |> List.distinct
                |> atMost 4
            Init = if pool.Pool.Init = Uniform then None else Some $"init {pool.Pool.Init}"
            Uses = layersOf users.Length + (if everyStep then ", at every step" else "")
        }

    let private choice (layer: PlannedLayer) (pool: PlannedPool) (modular: Modular) : ChoiceCard =
        let combine = if modular.Choose = 1 then "" else $" · {modular.Combine}"

        let from =
            match modular.Pool.Name with
            | Some name -> $" from {name}"
            | None -> ""

        {
            Choose = $"K = {modular.Choose} of M = {modular.Pool.Modules}{from}{combine}"
            Controller = Controllers.describe modular.Controller
            Notes = [
                if layer.Input.IsSequence then "a choice at every step"
                if modular.Duplicates = Once then "duplicates Once"
                if modular.StopGradient then "stop_gradient"
                if modular.Dispatch <> Auto then $"dispatch {modular.Dispatch}"
            ]
            ReadsTask = modular.Controller.IsTask
            Pool =
                match modular.Pool.Name with
                | Some name -> PoolUse.Shared name
                | None -> PoolUse.Own(poolCard [ layer ] pool)
        }

    let private layerCard (layer: PlannedLayer) : LayerCard = {
        Name = layer.Name
        Title =
            match layer.Layer with
            | Layer.ModularGru gru when gru.Gated -> $"modular_gru, hidden {gru.Hidden}"
            | Layer.ModularGru gru -> $"fold, width {gru.Hidden}"
            | layer -> Kind.describe layer
        Output = string layer.Output
        IsEnd =
            match Kind.role layer.Layer with
            | Role.Body
            | Role.Opening -> false
            | Role.Input
            | Role.Beside
            | Role.Head -> true
        Choice = Option.map2 (choice layer) layer.Pool layer.Layer.Choosing
    }

    /// The layer with names that begin otherwise: `before` becomes `after` in its own name and in all names inside it.
    let rec private renamed (before: string) (after: string) (layer: PlannedLayer) : PlannedLayer =
        let name (old: string) =
            if old.StartsWith(before, StringComparison.Ordinal) then after + old.Substring before.Length else old

        let all = List.map (List.map (renamed before after))

        {
            layer with
                Name = name layer.Name
                Inside = all layer.Inside
                Pool =
                    layer.Pool |> Option.map (fun pool -> { pool with Name = name pool.Name; Units = all pool.Units })
        }

    /// Rounds that are alike and follow each other: first, last, and what each of them holds.
    let private runs (name: string) (rounds: PlannedLayer list list) =
        let nameless index = List.map (renamed $"{name}/{index}/" $"{name}/")

        rounds
        |> List.mapi (fun index round -> index + 1, nameless (index + 1) round)
        |> List.fold
            (fun runs (index, round) ->
                match runs with
                | (first, _, alike) :: earlier when alike = round -> (first, index, alike) :: earlier
                | runs -> (index, index, round) :: runs)
            []
        |> List.rev

    let private merge symbol (layer: PlannedLayer) : MergeCard = {
        Symbol = symbol
        Name = layer.Name
        Output = string layer.Output
    }

    let rec private sketch (layer: PlannedLayer) : Sketch list =
        match layer.Layer with
        | Layer.Residual _ -> [ Sketch.Skip(List.collect (List.collect sketch) layer.Inside, merge "+" layer) ]
        | Layer.Coupling _ -> [ Sketch.Skip(List.collect (List.collect sketch) layer.Inside, merge "⇄" layer) ]
        | Layer.Uncoupling _ -> [ Sketch.Skip(List.collect (List.collect sketch) layer.Inside, merge "⇄" layer) ]
        | Layer.SumOf _ -> [ Sketch.Branches(List.map (List.collect sketch) layer.Inside, merge "+" layer) ]
        | Layer.ConcatOf _ -> [ Sketch.Branches(List.map (List.collect sketch) layer.Inside, merge "concat" layer) ]
        | Layer.Block _ -> [ Sketch.Frame(layer.Name, List.collect (List.collect sketch) layer.Inside) ]
        | Layer.Repeat(times, _) ->
            runs layer.Name layer.Inside
            |> List.map (fun (first, last, round) ->
                let range = if first = last then string first else $"{first}–{last}"

                let title =
                    if first = 1 && last = times then $"{layer.Name} × {times}"
                    elif first = last then $"{layer.Name}, round {first}"
                    else $"{layer.Name}, rounds {range}"

                let inside = round |> List.map (renamed $"{layer.Name}/" $"{layer.Name}/{range}/")
                Sketch.Frame(title, List.collect sketch inside))
        | _ -> [ Sketch.Layer(layerCard layer) ]

    let private cost (plan: Plan) =
        let summary = Summary.ofPlan plan
        let per = if summary.IsSequence then "step" else "datapoint"
        let total = summary.Total

        $"{Numbers.grouped total.Parameters} parameters; per {per} {Numbers.grouped total.Active} active, {Numbers.grouped total.MultiplyAdds} multiply-adds"

    let ofPlan (plan: Plan) : NetworkSketch =
        let tasks, layers = plan.Layers |> List.partition _.Layer.IsTasks
        let all = layers |> List.collect _.Unfolded

        {
            Name = plan.Network.Name
            Cost = cost plan
            Layers = List.collect sketch layers
            Tasks =
                tasks
                |> List.tryHead
                |> Option.map (fun layer -> {
                    layerCard layer with
                        // The task id does not flow through the layers.
                        Output = "task id"
                })
            Pools = plan.Pools |> List.filter _.Pool.Name.IsSome |> List.map (poolCard all)
        }
