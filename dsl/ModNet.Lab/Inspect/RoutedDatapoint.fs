namespace ModNet

open ModNet.Runtime

/// What ran at one site for one datapoint, and how sure the controller was.
type SiteChoice = {
    Layer: string
    Time: int
    /// The word at this time step, where inputs are words.
    Word: string option
    /// [K]: the modules that ran, from 0.
    Modules: int[]
    /// [K]: how probable each was at its position (under noisy and loss-free top-k: its weight). Empty where no controller chose.
    Probabilities: float[]
    /// The entropy of p(a | x) at the site, averaged over positions; nats. None where no controller chose.
    Entropy: float option
}

/// One datapoint's way through the modules.
type RoutedDatapoint = {
    /// Its number in the split, from 0.
    Number: int64
    /// Its words, or its numbers where they are few; blank for an image.
    Input: string
    /// The true class, the true numbers, or blank for a text, whose targets are its next words.
    Target: string
    /// The prediction, in the form of the target.
    Prediction: string
    /// Whether the most probable class is the true one; None where there are no classes.
    Correct: bool option
    /// log p(y | x, a), nats.
    LogLikelihood: float
    /// In the order in which data pass them.
    Sites: SiteChoice list
} with

    /// The mean over sites of the entropy; None where no controller chose anywhere.
    member datapoint.Entropy =
        match datapoint.Sites |> List.choose _.Entropy with
        | [] -> None
        | entropies -> Some(List.average entropies)

    /// The least of its choices' probabilities; None where no controller chose anywhere.
    member datapoint.LeastSure =
        match datapoint.Sites |> Seq.collect _.Probabilities |> Seq.toList with
        | [] -> None
        | probabilities -> Some(List.min probabilities)

module internal RoutedDatapoints =

    let private numbers (values: float32[,]) n =
        values[n, *] |> Array.map (fun v -> Figures.Label.number (float v)) |> String.concat " "

    let private site (trace: RoutingTrace) n (layer: RoutingLayer) t : SiteChoice =
        let chosen = TraceRows.chosen layer n t
        let distributions = TraceRows.distributions layer n t

        {
            Layer = layer.Name
            Time = t
            Word =
                if TraceRows.atWords trace layer then
                    Some(TraceRows.label trace.Labels.Vocabulary trace.Tokens[n, t])
                else
                    None
            Modules = chosen
            Probabilities =
                match distributions with
                | None -> [||]
                | Some positions -> chosen |> Array.mapi (fun k m -> positions[min k (positions.Length - 1)].[m])
            Entropy = distributions |> Option.map TraceRows.undecided
        }

    /// Row n of the trace.
    let ofRow (trace: RoutingTrace) (n: int) : RoutedDatapoint =
        let classes = SelectionTables.hasClasses trace
        let name = TraceRows.label trace.Labels.Classes

        {
            Number = trace.Datapoints[n]
            Input =
                if not (isNull trace.Tokens) then
                    trace.Tokens[n, *] |> Array.map (TraceRows.label trace.Labels.Vocabulary) |> String.concat " "
                elif not (isNull trace.Features) then
                    numbers trace.Features n
                else
                    ""
            Target =
                if classes then name trace.TargetClasses[n, 0]
                elif not (isNull trace.TargetValues) then numbers trace.TargetValues n
                else ""
            Prediction =
                if not (isNull trace.PredictedClasses) then name trace.PredictedClasses[n]
                elif not (isNull trace.PredictedValues) then numbers trace.PredictedValues n
                else ""
            Correct =
                if classes && not (isNull trace.PredictedClasses) then
                    Some(trace.PredictedClasses[n] = trace.TargetClasses[n, 0])
                else
                    None
            LogLikelihood = float trace.LogLikelihood[n]
            Sites = [
                for layer in trace.Layers do
                    for t in 0 .. layer.Times - 1 -> site trace n layer t
            ]
        }

    /// The datapoint of that number in the split.
    let ofNumber (number: int64) (trace: RoutingTrace) : RoutedDatapoint =
        match System.Array.IndexOf(trace.Datapoints, number) with
        | -1 ->
            let nearest = trace.Datapoints |> Array.minBy (fun d -> abs (d - number))

            Refusal.refuse
                "datapoint"
                $"one of the {trace.Count} datapoints of the {trace.Split} set in the trace ({Array.min trace.Datapoints} to {Array.max trace.Datapoints})"
                $"{number}"
                $"the nearest one in it is {nearest}; `trace_at_end` says how many a run traces"
        | n -> ofRow trace n
