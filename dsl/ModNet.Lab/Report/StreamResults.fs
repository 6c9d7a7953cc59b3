namespace ModNet

open System.Text.Json.Nodes
open ModNet.Figures
open ModNet.Runtime
open Plotly.NET

/// What became of the tasks of a stream: the matrix R of how well each does after the training on each, and what is made of it.
module internal StreamResults =

    /// Whether the experiment trains on several tasks one after the other.
    let isSequential (experiment: Experiment) : bool =
        match experiment.Data with
        | Data.Stream stream -> stream.IsSequential
        | _ -> false

    /// The names of an experiment's tasks, and with how many gradient steps each of them ends.
    let private tasks (experiment: Experiment) : (string array * int64 array) option =
        match experiment.Data with
        | Data.Stream stream ->
            let names = [| for task in stream.Tasks -> task.Name |]
            let steps = stream.StepsOfTasks experiment.Method.Steps |> List.map int64

            if stream.Together then
                Some(names, [| List.sum steps |])
            else
                Some(names, steps |> List.scan (+) 0L |> List.tail |> List.toArray)
        | _ -> None

    /// The sets that tasks are evaluated on: what counts in the end comes first.
    let private phases = [ "test"; "validation" ]

    let private results (experiment: Experiment) (log: MetricsLine seq) : (string * TaskResults) list =
        match tasks experiment with
        | None -> []
        | Some(names, ends) ->
            phases
            |> List.choose (fun phase ->
                TaskResults.Of(log, phase, names, ends) |> Option.ofObj |> Option.map (fun results -> phase, results))

    /// The numbers that are made of the matrix, by their names in `summary.json`.
    let private totals (results: TaskResults) : (string * float) list =
        [ "average", results.Average; "forgetting", results.Forgetting; "forward_transfer", results.ForwardTransfer ]
        |> List.choose (fun (name, value) -> value |> Option.ofNullable |> Option.map (fun value -> name, value))

    let private row (values: float seq) : JsonNode =
        JsonArray [| for value in values -> JsonValue.Create value :> JsonNode |]

    /// Adds `tasks` to a summary: names, the steps with which tasks end, and for each held-out set the matrix; and to its `final` what is made of the
    /// matrix of the test set, or of the validation set where there is no other.
    let addTo (summary: JsonObject) (experiment: Experiment) (log: MetricsLine seq) : unit =
        match tasks experiment, results experiment log with
        | None, _
        | _, [] -> ()
        | Some(names, ends), found ->
            let whole = JsonObject()
            whole.Add("names", JsonArray [| for name in names -> JsonValue.Create name :> JsonNode |])
            whole.Add("ends", JsonArray [| for step in ends -> JsonValue.Create step :> JsonNode |])

            for phase, results in found do
                let own = JsonObject()
                own.Add("measure", JsonValue.Create results.Measure)

                for name, value in totals results do
                    own.Add(name, JsonValue.Create value)

                if not (isNull results.Before) then own.Add("before", row results.Before)

                own.Add("matrix", JsonArray [| for values in results.Rows -> row values |])
                whole.Add(phase, own)

            match summary["final"] with
            | :? JsonObject as final ->
                let _, results = found.Head

                for name, value in totals results do
                    let name = if name = "average" then $"average_{results.Measure}" else name
                    final.Add(name, JsonValue.Create value)
            | _ -> ()

            summary.Add("tasks", whole)

    let private said (measure: string) (value: float) =
        if measure = "accuracy" then $"%.2f{100.0 * value} %%" else $"%.4f{value} nats"

    let private spoken (measure: string) = measure.Replace('_', ' ')

    /// What the terminal shows at the end of a run.
    let lines (experiment: Experiment) (log: MetricsLine seq) : string list =
        match results experiment log with
        | [] -> []
        | (phase, results) :: _ -> [
            for name, value in totals results do
                let title =
                    match name with
                    | "average" -> $"{phase} {spoken results.Measure}, mean of tasks"
                    | other -> spoken other

                Verdict.line title (said results.Measure value)
          ]

    let private unit (results: TaskResults) =
        if results.Measure = "accuracy" then "accuracy [%]" else $"{spoken results.Measure} [nats]"

    let private scaled (results: TaskResults) (value: float) =
        if results.Measure = "accuracy" then 100.0 * value else value

    /// The matrix as a heat map: a row for each task that was trained on, from the top, and a column for each task that was evaluated.
    let private matrix (results: TaskResults) : GenericChart option =
        if results.Rows.Count = 0 then
            None
        else
            let names = Seq.toArray results.Tasks
            let after = names |> Array.truncate results.Rows.Count |> Array.map (fun name -> $"after {name}")
            let values = array2D [ for row in results.Rows -> [ for value in row -> scaled results value ] ]
            let all = Seq.cast<float> values

            let range = if results.Measure = "accuracy" then 0.0, 100.0 else Seq.min all, Seq.max all

            Panel.series [
                Draw.Heat(names, range, values, Rows = after, Hover = "%{y}, task %{x}: %{z:.4~f}<extra></extra>")
            ]
            |> Panel.classesX
            |> Panel.classesY
            |> Panel.downwards
            |> Panel.x "task that is evaluated"
            |> Panel.left 110
            |> Panel.title (unit results)
            |> Some

    /// How well each task does over the steps of the training, a line for each.
    let private overTime (phase: string) (results: TaskResults) (log: MetricsLine seq) : GenericChart option =
        let field, value =
            match results.Measure with
            | "accuracy" -> TaskScore.AccuracyField, (fun value -> 100.0 * value)
            | "log_likelihood_per_word" -> TaskScore.PerplexityField, (fun value -> -System.Math.Log value)
            | _ -> TaskScore.LogLikelihoodField, id

        let drawn = [
            for place, task in Seq.indexed results.Tasks do
                let struct (steps, values) = MetricsLog.Column(phase, field + task, log)
                if steps.Length > 0 then Draw.Line(task, steps, Array.map value values, Colour = Palette.colour place)
        ]

        if drawn.IsEmpty then None else Some(Panel.over "step" drawn |> Panel.y (unit results))

    /// The report's section about the tasks; none for other data than a stream.
    let sections (experiment: Experiment) (log: MetricsLine seq) : Section list =
        match results experiment log with
        | [] -> []
        | (phase, results) :: _ ->
            let facts = totals results |> List.map (fun (name, value) -> $"{spoken name} {said results.Measure value}")
            let facts = if facts.IsEmpty then "" else " Over all: " + String.concat ", " facts + "."

            let caption =
                $"How well each task does on its own {phase} set. A row of the matrix is what all tasks came to when one of them had been trained on; "
                + "the diagonal is a task at the end of its own training. Forgetting is how much worse a task is at the end than when it was best, "
                + "a mean over all tasks but the last; forward transfer is how much better than before any training a task is when its own begins."
                + facts

            let charts = List.choose id [ matrix results; overTime phase results log ]

            if charts.IsEmpty then [] else [ Section.figure "Tasks" caption (Figure.beside charts) ]
