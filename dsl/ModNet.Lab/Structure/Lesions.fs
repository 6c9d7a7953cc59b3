namespace ModNet

open ModNet.Runtime
open TorchSharp

/// What networks lose without single modules or units.
[<RequireQualifiedAccess>]
module internal Lesions =

    let private whole (report: EditReport) (of': EditedGroup -> (float * float) option) : (float * float) option =
        let groups = [ report.Affected; report.Unaffected ] |> List.filter (fun group -> group.Count > 0L)

        if groups |> List.exists (of' >> Option.isNone) then
            None
        else
            let mean value =
                (groups |> List.sumBy (fun group -> float group.Count * value (of' group).Value))
                / float (groups |> List.sumBy _.Count)

            Some(mean fst, mean snd)

    /// Whether layers over a pool can do with one module less.
    let private canSpare (plan: Plan) (pool: PlannedPool) =
        plan.Layers
        |> List.collect _.Unfolded
        |> List.filter (fun layer -> layer.Pool |> Option.exists (fun own -> own.Name = pool.Name))
        |> List.choose _.Layer.Choosing
        |> List.forall (fun layer ->
            let free = pool.Pool.Modules - layer.Masked.Length
            free > 1 && pool.Pool.Modules > layer.Choose)

    let ofModules (datapoints: int) (run: TrainedNetwork) : Lesion list =
        let pools = run.Plan.Pools |> List.filter (canSpare run.Plan)

        if pools.IsEmpty then
            Refusal.refuse
                run.Experiment.Network.Name
                "a network with a pool that can do with one module less"
                "none"
                "ask for Structure.lesions_of_units"

        Trained.withData run (fun _ opened ->
            let name, parts = EditReport.measured opened.Source.Splits

            [
                for pool in pools do
                    for number in 0 .. pool.Pool.Modules - 1 do
                        use without = Edit.exclude pool.Name [ number ] run
                        let report = EditReport.over name parts (int64 datapoints) run without

                        {
                            Name = $"{pool.Name}/{number}"
                            Affected = EditReport.share report
                            LogLikelihood = (whole report (fun group -> Some group.LogLikelihood)).Value
                            Accuracy = whole report _.Accuracy
                        }
            ])

    /// Sums over datapoints, of one unit.
    type private Sums() =
        member val Met = 0L with get, set
        member val LogLikelihood = 0.0 with get, set
        member val Right = 0.0 with get, set

    /// One batch through the graph; `change` takes the layer's output and gives what stands for it.
    let private features (run: TrainedRun) (layer: string) (change: torch.Tensor -> torch.Tensor) (batch: Batch) =
        let route = Route(run.Evaluating, batch.Side)
        let mutable x = batch.Inputs

        for node in run.Graph.Nodes do
            x <- node.Forward(x, route)
            if node.Name = layer then x <- change x

        x

    let private judged (run: TrainedRun) (hasClasses: bool) (sums: Sums) (batch: Batch) (features: torch.Tensor) =
        let head = run.Graph.Head
        sums.LogLikelihood <- sums.LogLikelihood + head.LogLikelihood(features, batch.Targets).sum().ToDouble()

        if hasClasses then
            let right = head.Predict(features).eq(batch.Targets).to_type(torch.ScalarType.Float64).mean().ToDouble()
            sums.Right <- sums.Right + right * float batch.Inputs.shape[0]

    let private mustHave (run: TrainedNetwork) (layer: string) =
        let known = [ for node in run.Graph.Nodes -> node.Name ]

        if not (List.contains layer known) then
            let names = String.concat ", " known
            let network = run.Experiment.Network.Name
            Refusal.refuse network $"a layer among {names}" layer "give a name of its summary table"

    let ofUnits (layer: string) (datapoints: int) (run: TrainedNetwork) : Lesion list =
        let hasClasses = run.ClassNames.Count > 0

        Trained.withData run (fun _ opened ->
            mustHave run layer
            let _, parts = EditReport.measured opened.Source.Splits
            let before = Sums()
            let mutable after: Sums[] = [||]

            let see (batch: Batch) =
                let batch = batch.To run.Device
                let mutable units: torch.Tensor = null

                let kept output =
                    units <- output
                    output

                features opened layer kept batch |> judged opened hasClasses before batch
                let width = int (UnitOutputs.Count units)
                if after.Length = 0 then after <- Array.init width (fun _ -> Sums())

                for unit in 0 .. width - 1 do
                    use _scope = torch.NewDisposeScope()
                    let sums = after[unit]
                    let changed = UnitOutputs.Without(units, int64 unit).ne(units).flatten(1L).any(1L)
                    sums.Met <- sums.Met + changed.sum().ToInt64()

                    features opened layer (fun output -> UnitOutputs.Without(output, int64 unit)) batch
                    |> judged opened hasClasses sums batch

            before.Met <- run.Graph.InEvaluation(fun () -> EditReport.eachBatch parts (int64 datapoints) see)

            let mean value = value / float before.Met

            [
                for unit, sums in Array.indexed after do
                    {
                        Name = $"{layer}/{unit}"
                        Affected = mean (float sums.Met)
                        LogLikelihood = mean before.LogLikelihood, mean sums.LogLikelihood
                        Accuracy = if hasClasses then Some(mean before.Right, mean sums.Right) else None
                    }
            ])

    let coreOf (layer: string) (share: float) (subsets: int) (datapoints: int) (run: TrainedNetwork) : Core =
        if not (share > 0.0 && share <= 1.0) then
            Refusal.refuse layer "a share above 0 and at most 1" (string share) "0.95 keeps nearly all"

        if subsets < 2 then
            Refusal.refuse layer "at least two subsets" (string subsets) "take several times the units"

        Trained.withData run (fun _ opened ->
            mustHave run layer
            let _, parts = EditReport.measured opened.Source.Splits

            let logLikelihood (there: bool[] option) =
                let sums = Sums()

                let see (batch: Batch) =
                    let batch = batch.To run.Device
                    let only output = there |> Option.map (fun there -> UnitOutputs.Only(output, there))

                    features opened layer (fun output -> defaultArg (only output) output) batch
                    |> judged opened false sums batch

                let count = run.Graph.InEvaluation(fun () -> EditReport.eachBatch parts (int64 datapoints) see)
                sums.LogLikelihood / float count

            let units =
                let mutable units = 0

                let count output =
                    units <- int (UnitOutputs.Count output)
                    output

                run.Graph.InEvaluation(fun () ->
                    EditReport.eachBatch parts 1L (fun batch ->
                        features opened layer count (batch.To run.Device) |> ignore))
                |> ignore

                units

            let all = logLikelihood None
            let none = logLikelihood (Some(Array.create units false))

            if not (all > none) then
                Refusal.refuse
                    layer
                    "a layer whose units raise log p(y|x, a)"
                    $"one with {all} nats, and {none} without its units"
                    "train the network, or ask for another layer"

            let found =
                CoreSubset.Find(
                    units,
                    (fun there -> logLikelihood (Some there)),
                    none + share * (all - none),
                    subsets,
                    seed = 1
                )

            {
                Layer = layer
                Units = List.ofSeq found.Members
                Effects = Array.ofSeq found.Effects
                Fit = found.Fit
                LogLikelihood = all, found.Performance, none
            })
