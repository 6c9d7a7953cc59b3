namespace ModNet

open System
open System.IO
open ModNet.Runtime

/// Routing traces of runs: which modules ran for which datapoints. `RoutingFile` says what is in the file.
[<RequireQualifiedAccess>]
module Trace =

    let private file = "routing.safetensors"

    /// The trace that a run left at its end, of held-out datapoints where there are such. Takes a run folder, or a trace's own file.
    /// Raises UserException where there is none.
    /// Example: `let routing = Trace.load "runs/toy"`
    let load (run: string) : RoutingTrace =
        let inside = Path.Combine(run, file)

        if File.Exists run then
            RoutingTrace.Load run
        elif File.Exists inside then
            RoutingTrace.Load inside
        elif Directory.Exists run then
            Refusal.refuse
                run
                $"a run with a routing trace ({file})"
                "none"
                "train again with this version; a network without modular layers leaves none"
        else
            Refusal.refuse
                run
                "a run's folder"
                (NearWord.NothingAt run)
                "give the folder that train wrote, as runs/NAME"

    /// The traces over a run's training, by step; all are of the same training datapoints. Raises UserException where there are none.
    /// Example: `let times = Trace.load_over_time "runs/toy"`
    let load_over_time (run: string) : RoutingTrace list =
        let folder = Path.Combine(run, "routing")

        let found =
            if Directory.Exists folder then
                Directory.GetFiles(folder, "*.safetensors")
                |> Seq.filter (fun path -> Path.GetFileNameWithoutExtension path |> Seq.forall Char.IsAsciiDigit)
                |> Seq.map RoutingTrace.Load
                |> Seq.sortBy _.Step
                |> Seq.toList
            else
                []

        if found.IsEmpty then
            Refusal.refuse
                run
                "a run with routing traces over its training (routing/STEP.safetensors)"
                "none"
                "say `trace_every N` in the experiment, or --trace-every N, and train again"

        found

    /// The trace with the assignments a* in place of what the controllers would choose, so that analyses show the assignments. Traces over the
    /// training of a run by EM have them (`load_over_time`); raises UserException for others.
    /// Example: `let times = Trace.load_over_time "runs/toy" |> List.map Trace.assigned`
    let assigned (trace: RoutingTrace) : RoutingTrace =
        match trace.Assigned() with
        | null ->
            Refusal.refuse
                $"the trace of step {trace.Step}"
                "one that holds assignments a*"
                $"one of {trace.Split} data without them"
                "take one of `trace_every`, of a run by EM"
        | assigned -> assigned

    /// The layer of that name. Raises UserException, which lists the layers there are.
    /// Example: `let chosen = (Trace.load "runs/toy" |> Trace.layer "modular1").Selections`
    let layer (name: string) (trace: RoutingTrace) : RoutingLayer =
        match trace.Layers |> Seq.tryFind (fun layer -> layer.Name = name) with
        | Some layer -> layer
        | None ->
            let known = String.Join(", ", trace.Layers |> Seq.map _.Name)
            Refusal.refuse "layer" $"one of {known}" name "give the name that the summary table shows"

    /// The datapoints whose row in the trace, from 0, satisfies the condition.
    /// Example: `let wrong = Trace.load "runs/mnist" |> fun t -> Trace.filter (fun n -> t.PredictedClasses[n] <> t.TargetClasses[n, 0]) t`
    let filter (condition: int -> bool) (trace: RoutingTrace) : RoutingTrace =
        trace.Pick [|
            for n in 0 .. trace.Count - 1 do
                if condition n then n
        |]
