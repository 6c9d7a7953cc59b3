namespace ModNet

open ModNet.Runtime

/// What was routed where: pure functions of a routing trace (`Trace.load`). Modules, positions and time steps count from 0, here as in all
/// tables and figures.
[<RequireQualifiedAccess>]
module Inspect =

    /// How each layer's modules share its work, against the ideal 1/M; dead modules; how many are in effect used.
    /// Example: `let effective = [ for load in Inspect.load (Trace.load "runs/toy") -> load.Layer, load.Effective ]`
    let load (trace: RoutingTrace) : ModuleLoad list = [ for layer in trace.Layers -> ModuleLoads.ofLayer layer ]

    /// How often a layer's modules ran for each class. Raises UserException where datapoints have no classes.
    /// Example: `let table = Trace.load "runs/mnist" |> Inspect.by_class "modular1"`
    let by_class (layer: string) (trace: RoutingTrace) : SelectionTable =
        SelectionTables.byClass trace (Trace.layer layer trace)

    /// How often a layer's modules ran for each task. Raises UserException where datapoints have none.
    /// Example: `let table = Trace.load "runs/mine" |> Inspect.by_task "modular1"`
    let by_task (layer: string) (trace: RoutingTrace) : SelectionTable =
        SelectionTables.byTask trace (Trace.layer layer trace)

    /// How often a layer's modules ran on each of the text's most frequent words, most frequent first.
    /// Example: `let table = Trace.load "runs/ptb-em-5-1" |> Inspect.by_word "modular_gru1" 40`
    let by_word (layer: string) (words: int) (trace: RoutingTrace) : SelectionTable =
        SelectionTables.byWord words trace (Trace.layer layer trace)

    /// The paths through the layers: how often each module, each pair one after the other, and the `top` most frequent paths.
    /// Example: `let graph = Trace.load "runs/mnist" |> Inspect.paths 5`
    let paths (top: int) (trace: RoutingTrace) : PathGraph = PathGraphs.ofTrace top trace

    /// [M, M]: over a sequence, how often a module runs at one time step and which at the next.
    /// Example: `let counts = Trace.load "runs/ptb-em-5-1" |> Inspect.successions "modular_gru1"`
    let successions (layer: string) (trace: RoutingTrace) : int64[,] = PathGraphs.successions (Trace.layer layer trace)

    /// How sure a layer's controller is, for each time step; empty where no controller chose.
    /// Example: `let sure = Trace.load "runs/toy" |> Inspect.certainty "modular1"`
    let certainty (layer: string) (trace: RoutingTrace) : Certainty list = Certainties.ofLayer (Trace.layer layer trace)

    /// One datapoint, by its number in the split: which modules ran at each site, and how sure the controllers were.
    /// Example: `let datapoint = Trace.load "runs/toy" |> Inspect.datapoint 17L`
    let datapoint (number: int64) (trace: RoutingTrace) : RoutedDatapoint = RoutedDatapoints.ofNumber number trace

    /// All datapoints of the trace, in its order.
    /// Example: `let least = Trace.load "runs/toy" |> Inspect.datapoints |> Seq.minBy _.LogLikelihood`
    let datapoints (trace: RoutingTrace) : RoutedDatapoint seq = Seq.init trace.Count (RoutedDatapoints.ofRow trace)

    /// [N, M]: p(a | x) at one site and position (all from 0) for every datapoint, as the paper's Figure 5 shows it
    /// (`Controllers.distribution`, `Controllers.evolution`). Raises UserException where no controller chose there.
    /// Example: `let p = Trace.load "runs/toy" |> Inspect.probabilities "modular1" 0 0`
    let probabilities (layer: string) (time: int) (position: int) (trace: RoutingTrace) : float[,] =
        let found = Trace.layer layer trace

        match found.Probabilities with
        | null ->
            Refusal.refuse
                layer
                "a layer whose controller chose"
                "none that did"
                "train by a method that reads controllers"
        | p when time < 0 || time >= p.GetLength 1 || position < 0 || position >= p.GetLength 2 ->
            Refusal.refuse
                layer
                $"a time from 0 to {p.GetLength 1 - 1} and a position from 0 to {p.GetLength 2 - 1}"
                $"time {time} and position {position}"
                "count from 0"
        | p -> Array2D.init (p.GetLength 0) (p.GetLength 3) (fun n m -> float p[n, time, position, m])

    /// For each module of a layer, the `words` most distinctive words on which it runs, each with `occurrences` places in the text (the
    /// paper's Table 2). Distinctive is by log-odds with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008): with y the count
    /// of a word where the module runs and n that of all words there, y' and n' the same where it does not, and α the word's share of the
    /// text times the number V of different words in it (one pseudo-count for each word on average), δ = log (y + α)/(n + V − y − α) −
    /// log (y' + α)/(n' + V − y' − α). Words with δ > 0 are ranked by δ/√(1/(y + α) + 1/(y' + α)); ties by y, then by frequency in the vocabulary.
    /// Occurrences are evenly spaced over all places, in text order. Nothing is picked by hand.
    /// Example: `let contexts = Trace.load "runs/ptb-em-15-1" |> Inspect.contexts "modular_gru1" 10 5`
    let contexts (layer: string) (words: int) (occurrences: int) (trace: RoutingTrace) : ModuleContexts list =
        Contexts.ofLayer words occurrences trace (Trace.layer layer trace)
