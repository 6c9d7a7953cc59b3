(**
# Figure 5: the controller's distribution over training

"A visualization of the controller distribution for a particular mini-batch, choosing K = 1 out of M = 5 modules. Training progresses from
the top image to the bottom image. A black pixel represents zero probability and a white pixel represents probability 1" (paper,
section 3.2).

The minibatch: 128 windows of the training text, evenly spaced over it, always the same; of each the last of its 35 words, where the network
has seen most. The run is em-5-1 of Table 1, which leaves a routing trace of them every 1,000 steps; if `reproduce table1` has
not finished it, it is run.

    ./modnet reproduce fig5 --data DIR
*)
#load "language.fsx"

open ModNet
open ModNet.Figures
open Language

let layer = "modular_gru1"
let last = 34

(** Times that grow by about a factor of two, from the first step to the last. *)

let chosen (traces: Runtime.RoutingTrace list) =
    let steps = traces |> List.map _.Step

    let wanted = 0L :: [ for halvings in 6..-1..0 -> (List.last steps) / pown 2L halvings ]

    wanted
    |> List.map (fun step -> steps |> List.minBy (fun found -> abs (found - step)))
    |> List.distinct
    |> List.map (fun step -> traces |> List.find (fun trace -> trace.Step = step))

let strips (run: StudyRun) =
    let traces = Trace.load_over_time run.Folder |> chosen

    let times =
        traces
        |> List.map (fun trace -> $"step {Label.number (float trace.Step)}", Inspect.probabilities layer last 0 trace)

    // So that columns of one module stand together where the training ends.
    let final = snd (List.last times)

    let order =
        Array.init (Array2D.length1 final) id
        |> Array.sortBy (fun n ->
            let p = final[n, *]
            let favourite = Array.findIndex ((=) (Array.max p)) p
            favourite, -p[favourite])

    let sorted (p: float[,]) = Array2D.init order.Length (Array2D.length2 p) (fun n m -> p[order[n], m])

    let sure (p: float[,]) =
        let firm = Array.init (Array2D.length1 p) (fun n -> Array.max p[n, *]) |> Array.filter (fun most -> most > 0.99)

        100.0 * float firm.Length / float (Array2D.length1 p)

    [
        Section.figure
            $"p(a | x) of one minibatch, {run.Name}"
            "Training goes on from top to bottom. Columns are the 128 datapoints of the minibatch, rows the five modules; black is probability 0, white 1."
            (Controllers.strips times)
        Section.figure
            "The same, datapoints ordered by the module that they take in the end"
            "Columns of one module stand together in the lowest strip: what forms there, and when."
            (Controllers.strips [ for name, p in times -> name, sorted p ])
        Section.make "How sure" [
            Content.Prose "The share of the minibatch's datapoints for which one module has more than 99 % probability."
            Content.Table([ "step"; "sure [%]" ], [ for name, p in times -> [ name; $"%.1f{sure p}" ] ])
        ]
    ]

study "fig5" {
    title "Figure 5: the controller's distribution over training"
    data_folder "ptb"
    runs_of "table1"

    rows [ { em_5_1 with Paper = [ (Some "H_a [nats]", PaperValue.Words "deterministic in the end") ] } ]

    measure "H_a [nats]" (fun run -> run.Validation.SelectionEntropy)
    report (fun runs -> runs |> List.filter _.Finished |> List.truncate 1 |> List.collect strips)
}
|> Study.main fsi.CommandLineArgs
