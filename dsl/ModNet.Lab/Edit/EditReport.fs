namespace ModNet

open System
open System.Collections.Generic
open ModNet.Runtime
open TorchSharp

/// What an edit did to some datapoints; of a text, to steps.
type EditedGroup = {
    /// How many there are.
    Count: int64
    /// max |Δf|: the largest change of a probability, or of a mean where y are numbers.
    LargestChange: float
    /// How many are predicted otherwise.
    ChangedPredictions: int64
    /// The mean of log p(y | x, a) before the edit and after it, in nats; NaN where there are none.
    LogLikelihood: float * float
    /// The share whose class is predicted rightly, before and after; None where y are no classes.
    Accuracy: (float * float) option
}

/// What an edit did to a network, measured on data.
type EditReport = {
    /// The edits, in order, as the command line says them.
    Edits: string list
    /// Which data it was measured on: `validation`, `test` or `train`.
    Data: string
    /// Whether it counts the steps of sequences, and not datapoints.
    IsOfSteps: bool
    /// Those whose path, before the edit, meets a module that was edited; in sequences the steps from the first meeting on.
    Affected: EditedGroup
    Unaffected: EditedGroup
    /// The number of parameters, before and after.
    Parameters: int64 * int64
    /// The multiply-adds of a datapoint, or of a step of a text, before and after.
    MultiplyAdds: int64 * int64
}

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module EditReport =

    /// The touched modules of each pool by their numbers before the first of these edits; None where an edit touches everything.
    let private touched (plan: Plan) (steps: EditStep list) : Map<string, Set<int>> option =
        let before = plan.Pools |> List.map (fun pool -> pool.Name, [ 0 .. pool.Pool.Modules - 1 ]) |> Map.ofList

        let follow state (step: EditStep) =
            match state, step.Pool, step.Touches with
            | None, _, _
            | _, _, Everything -> None
            | Some(was: Map<string, int list>, found: Map<string, Set<int>>), Some pool, touches ->
                let numbers = was[pool]

                let met =
                    match touches with
                    | Modules modules ->
                        modules |> List.map (fun number -> numbers[number]) |> List.filter ((<=) 0) |> set
                    | _ -> Set.empty

                let known = found.TryFind pool |> Option.defaultValue Set.empty

                let now =
                    match step.From with
                    | [] -> numbers
                    | from -> from |> List.map (fun number -> if number < 0 then -1 else numbers[number])

                Some(was.Add(pool, now), found.Add(pool, Set.union known met))
            | state, None, _ -> state

        steps |> List.fold follow (Some(before, Map.empty)) |> Option.map snd

    /// One group's running sums.
    type private Sums() =
        member val Count = 0L with get, set
        member val Largest = 0.0 with get, set
        member val Changed = 0L with get, set
        member val Before = 0.0 with get, set
        member val After = 0.0 with get, set
        member val RightBefore = 0L with get, set
        member val RightAfter = 0L with get, set

        member sums.Group(hasClasses: bool) : EditedGroup =
            let mean (sum: float) = if sums.Count = 0L then nan else sum / float sums.Count

            {
                Count = sums.Count
                LargestChange = sums.Largest
                ChangedPredictions = sums.Changed
                LogLikelihood = mean sums.Before, mean sums.After
                Accuracy =
                    if hasClasses then Some(mean (float sums.RightBefore), mean (float sums.RightAfter)) else None
            }

    // What a prediction is by numbers: probabilities, or means. [items, …]
    let private output (said: Prediction) (items: int64) =
        let values = if isNull said.Probabilities then said.Mode else said.Probabilities
        values.reshape(items, -1L).to_type torch.ScalarType.Float64

    let private flags
        (touched: Map<string, Set<int>> option)
        (said: Prediction)
        (datapoints: int)
        (steps: int)
        : bool array =
        match touched with
        | None -> Array.create (datapoints * steps) true
        | Some touched ->
            let met = Array.create (datapoints * steps) false

            for site in said.Choices do
                match touched.TryFind site.Pool with
                | Some modules when not modules.IsEmpty ->
                    for row in 0 .. datapoints - 1 do
                        if site.Modules[row] |> Array.exists (fun number -> modules.Contains(int number)) then
                            for step in (if steps = 1 then 0 else site.Time) .. steps - 1 do
                                met[row * steps + step] <- true
                | _ -> ()

            met

    let private measure (sums: Sums * Sums) touched (before: TrainedNetwork) (after: TrainedNetwork) (batch: Batch) =
        use _scope = torch.NewDisposeScope()
        let asked = batch.To before.Device

        let ask (network: TrainedNetwork) =
            Prediction.Of(network.Graph, asked.Inputs, network.Evaluating, asked.Side, asked.Targets)

        use was = ask before
        use now = ask after
        let items = was.LogLikelihood.numel ()
        let datapoints = int asked.Inputs.shape[0]
        let steps = int items / datapoints

        let values (tensor: torch.Tensor) =
            TensorArrays.Vector<float>(tensor.reshape(-1L).to_type torch.ScalarType.Float64)

        let largest = (output was items - output now items).abs().amax([| 1L |]) |> values
        let differs = was.Mode.ne(now.Mode).reshape(items, -1L).any(1L) |> values
        let logBefore, logAfter = values was.LogLikelihood, values now.LogLikelihood
        let hasClasses = before.ClassNames.Count > 0

        let right (said: Prediction) = if hasClasses then said.Mode.eq(asked.Targets).reshape(-1L) |> values else [||]

        let rightBefore, rightAfter = right was, right now
        let met = flags touched was datapoints steps

        for item in 0 .. int items - 1 do
            let group = if met[item] then fst sums else snd sums
            group.Count <- group.Count + 1L
            group.Largest <- max group.Largest largest[item]
            group.Changed <- group.Changed + int64 differs[item]
            group.Before <- group.Before + logBefore[item]
            group.After <- group.After + logAfter[item]

            if hasClasses then
                group.RightBefore <- group.RightBefore + int64 rightBefore[item]
                group.RightAfter <- group.RightAfter + int64 rightAfter[item]

        steps > 1

    let private batchSize = 64L

    /// Shows the first datapoints of parts of a dataset, at most so many, batch by batch; a batch's tensors are freed after it. Gives the number of those
    /// that there were.
    let internal eachBatch (parts: Dataset list) (most: int64) (see: Batch -> unit) : int64 =
        let mutable left = most

        for part in parts do
            let count = min left part.Count
            left <- left - count

            for start in 0L .. batchSize .. count - 1L do
                use _scope = torch.NewDisposeScope()
                part.Range(start, min batchSize (count - start)) |> see

        most - left

    /// What the edits between two networks did, measured on these parts of a dataset, at most so many datapoints of them. Every window of a text starts at zero.
    let internal over
        (name: string)
        (parts: Dataset list)
        (most: int64)
        (before: TrainedNetwork)
        (after: TrainedNetwork)
        : EditReport =
        let steps = after.Edits |> List.skip before.Edits.Length
        let touched = touched before.Plan steps
        let sums = Sums(), Sums()
        let isOfSteps = ref false

        eachBatch parts most (fun batch -> if measure sums touched before after batch then isOfSteps.Value <- true)
        |> ignore

        let both (cost: Cost -> int64) =
            let total (network: TrainedNetwork) = (Summary.ofPlan network.Plan).Total |> cost
            total before, total after

        let hasClasses = before.ClassNames.Count > 0

        {
            Edits = steps |> List.map _.Words
            Data = name
            IsOfSteps = isOfSteps.Value
            Affected = (fst sums).Group hasClasses
            Unaffected = (snd sums).Group hasClasses
            Parameters = both _.Parameters
            MultiplyAdds = both _.MultiplyAdds
        }

    /// The data of a run that edits are measured on, with their name: its validation set, else its test set, else the training data.
    let internal measured (splits: DataSplits) : string * Dataset list =
        [ "validation", List.ofSeq splits.Validation; "test", List.ofSeq splits.Test; "train", [ splits.Train ] ]
        |> List.find (fun (_, parts) -> parts |> List.exists (fun part -> part.Count > 0L))

    /// What the edits between two networks did, measured on the run's own data: its validation set, else its test set, else the training data, at most so
    /// many datapoints. Raises UserException where the data are gone.
    /// Example: `EditReport.between 10_000 trained (Edit.exclude "words" [ 3 ] trained)`
    let between (most: int) (before: TrainedNetwork) (after: TrainedNetwork) : EditReport =
        Trained.withData before (fun _ opened ->
            let name, parts = measured opened.Source.Splits
            over name parts (int64 most) before after)

    let internal share (report: EditReport) =
        float report.Affected.Count / float (max 1L (report.Affected.Count + report.Unaffected.Count))

    /// Heading, affected and unaffected, for a table.
    let internal rows (report: EditReport) : (string * string * string) list =
        let real (value: float) =
            if Double.IsNaN value then "–" else value.ToString("G6", Globalization.CultureInfo.InvariantCulture)

        let percent (value: float) =
            if Double.IsNaN value then
                "–"
            else
                (100.0 * value).ToString("F2", Globalization.CultureInfo.InvariantCulture) + " %"

        let line heading (text: EditedGroup -> string) = heading, text report.Affected, text report.Unaffected

        [
            line (if report.IsOfSteps then "steps" else "datapoints") (fun group -> Numbers.grouped group.Count)
            line "largest change of the output" (fun group ->
                if group.Count = 0L then "–" else real group.LargestChange)
            line "predicted otherwise" (fun group -> Numbers.grouped group.ChangedPredictions)
            line "log p(y|x, a) before" (fun group -> real (fst group.LogLikelihood))
            line "log p(y|x, a) after" (fun group -> real (snd group.LogLikelihood))
            line "change" (fun group -> real (snd group.LogLikelihood - fst group.LogLikelihood))

            if report.Affected.Accuracy.IsSome then
                line "accuracy before" (fun group -> percent (fst group.Accuracy.Value))
                line "accuracy after" (fun group -> percent (snd group.Accuracy.Value))
        ]

    let internal costs (report: EditReport) : (string * int64 * int64) list = [
        "parameters", fst report.Parameters, snd report.Parameters
        $"""multiply-adds per {if report.IsOfSteps then "step" else "datapoint"}""",
        fst report.MultiplyAdds,
        snd report.MultiplyAdds
    ]

    /// The report as lines of text.
    /// Example: `EditReport.between 100 trained trained |> EditReport.lines |> List.iter (printfn "%s")`
    let lines (report: EditReport) : string list =
        let edits = String.concat ", then " report.Edits
        let shareText = (100.0 * share report).ToString("F1", Globalization.CultureInfo.InvariantCulture)
        let what = if report.IsOfSteps then "steps" else "datapoints"

        [
            $"{edits}; measured on {report.Data} data: {shareText} %% of {what} affected"
            yield!
                Columns.lines (fun index -> index = 0) [
                    [ ""; "affected"; "unaffected" ]
                    for heading, affected, unaffected in rows report do
                        [ heading; affected; unaffected ]
                ]
            for heading, before, after in costs report do
                $"{heading}: {Numbers.grouped before} before, {Numbers.grouped after} after"
        ]
