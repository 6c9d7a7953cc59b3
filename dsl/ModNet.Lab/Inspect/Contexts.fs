namespace ModNet

open System.Collections.Generic
open ModNet.Figures
open ModNet.Runtime

/// A place in the text at which a module ran.
type Occurrence = {
    /// The window's number in the split, and the word's place in it.
    Datapoint: int64
    Time: int
    /// The words before it in the window, at most three; the network has seen no others.
    Before: string list
    Word: string
    /// The words after it, at most three.
    After: string list
}

/// A word on which a module runs more often than on the rest of the text.
type DistinctiveWord = {
    Word: string
    /// How often the module ran on it.
    Count: int64
    /// How often the word stands in the text.
    Total: int64
    /// By how much the log-odds of the word are higher where the module runs than where it does not (see `Inspect.contexts`).
    LogOdds: float
    /// The same in standard deviations; words are ranked by it.
    Score: float
    /// In text order, evenly spaced over all of them.
    Occurrences: Occurrence list
}

/// The words on which a module runs.
type ModuleContexts = {
    Layer: string
    /// The module's number, from 0.
    Module: int
    /// The number of sites at which it ran.
    Count: int64
    Words: DistinctiveWord list
}

module internal Contexts =

    let private reach = 3

    let private occurrence (trace: RoutingTrace) (n, t) : Occurrence =
        let window = trace.Tokens[n, *]

        // The last word of the window is followed by a word that is only a target.
        let following =
            if isNull trace.TargetClasses then
                window
            else
                Array.append window [| trace.TargetClasses[n, trace.TargetClasses.GetLength 1 - 1] |]

        let words (tokens: int[]) = tokens |> Array.map (TraceRows.label trace.Labels.Vocabulary) |> Array.toList

        {
            Datapoint = trace.Datapoints[n]
            Time = t
            Before = words window[max 0 (t - reach) .. t - 1]
            Word = (words [| window[t] |]).Head
            After = words following[t + 1 .. min (following.Length - 1) (t + reach)]
        }

    /// The log-odds of a word with a module against without it, and its deviation. `prior` is the pseudo-count of the word, one for
    /// each word on average.
    let score (counts: int64, sites: int64) (others: int64, otherSites: int64) (prior: float, priors: float) =
        let odds count total = log ((float count + prior) / (float total + priors - float count - prior))

        let difference = odds counts sites - odds others otherSites
        let variance = 1.0 / (float counts + prior) + 1.0 / (float others + prior)
        difference, difference / sqrt variance

    let ofLayer (words: int) (occurrences: int) (trace: RoutingTrace) (layer: RoutingLayer) : ModuleContexts list =
        SelectionTables.demandWords trace layer
        let totals = Dictionary<int, int64>()

        let places = Array.init layer.Modules (fun _ -> Dictionary<int, ResizeArray<int * int>>())

        for struct (n, t) in TraceRows.sites layer do
            let token = trace.Tokens[n, t]

            totals[token] <-
                (match totals.TryGetValue token with
                 | true, count -> count
                 | _ -> 0L)
                + 1L

            for m in TraceRows.used layer n t do
                match places[m].TryGetValue token with
                | true, found -> found.Add((n, t))
                | _ -> places[m].Add(token, ResizeArray [ n, t ])

        let all = totals.Values |> Seq.sum
        let distinct = float totals.Count

        let contexts m =
            let here = places[m].Values |> Seq.sumBy (fun found -> int64 found.Count)

            let scored =
                places[m]
                |> Seq.map (fun (KeyValue(token, found)) ->
                    let total = totals[token]
                    let count = int64 found.Count
                    let prior = distinct * float total / float all
                    let odds, score = score (count, here) (total - count, all - here) (prior, distinct)
                    token, found, total, odds, score)
                |> Seq.filter (fun (_, _, _, odds, _) -> odds > 0.0)
                |> Seq.sortBy (fun (token, found, _, _, score) -> -score, -found.Count, token)
                |> Seq.truncate words

            {
                Layer = layer.Name
                Module = m
                Count = here
                Words = [
                    for token, found, total, odds, score in scored ->
                        {
                            Word = TraceRows.label trace.Labels.Vocabulary token
                            Count = int64 found.Count
                            Total = total
                            LogOdds = odds
                            Score = score
                            Occurrences = [
                                for i in Downsample.spread occurrences found.Count -> occurrence trace found[i]
                            ]
                        }
                ]
            }

        List.init layer.Modules contexts
