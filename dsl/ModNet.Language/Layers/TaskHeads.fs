namespace ModNet

/// A linear map of each task's own.
[<AutoOpen>]
module TaskHeadsLayer =

    /// [in] → [outputs], on sequences at every step: a linear map with bias for each of so many tasks, of which the datapoint's task id says which one
    /// runs. It is a `modular` layer whose controller is `ByTask`. A head that reads what it is given follows: `categorical` for classes, `gaussian`
    /// for numbers.
    /// Example: `task_heads 5 2`
    let task_heads (tasks: int) (outputs: int) =
        let unit = Layer.Linear { Width = outputs; Bias = true; Activation = None }
        Layer.Modular { ModularLayer.plain (ModularLayer.own tasks [ [ unit ] ]) with Controller = ByTask }
