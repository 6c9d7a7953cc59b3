namespace ModNet

/// Task ids beside a network's input.
[<AutoOpen>]
module TasksLayer =

    /// Beside the input: a task id per datapoint, below `count`, which controllers of form `Task` read.
    /// Example: `tasks 4`
    let tasks (count: int) = Layer.Tasks count

module internal Tasks =

    let kind = {
        LayerKind.body
            1
            "tasks"
            (function
            | Layer.Tasks count -> Some count
            | _ -> None)
            Layer.Tasks
            (fun _ -> Codec.one "count" Codec.int) with
            Role = Role.Beside
            Describe = fun count -> $"tasks {Numbers.inScript (int64 count)}"
            Infer =
                fun site count shape ->
                    site.Tasks count
                    Inferred.output shape
    }
