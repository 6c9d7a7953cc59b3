(**
# Figure 2: paths through six modular layers

"Two different subsets of datapoints (top and bottom) that use the same modules at the end of training (right) start with entirely different
modules (left) and slowly cluster together over the course of training (left to right). Nodes in the graph represent modules with their
size proportional to the number of datapoints that use this module. Edges between nodes n1 and n2 and their stroke width represent how
many datapoints first use module n1 followed by n2" (paper). "A simple feed-forward neural network composed of 6 modular layers with
K = 1 modules being selected at each layer out of a possible M = 3 modules. The task is image classification."

    ./modnet reproduce fig2 --data DIR
    ./modnet reproduce fig2 --data DIR --quick

DIR holds MNIST's four idx files. The paper does not say which images it took; its other image experiment is on CIFAR-10. Six linear layers
suffice for digits, where what a path stands for can be read off its classes.
*)
#load "modnet.fsx"

open ModNet
open ModNet.Figures

let hidden =
    modular {
        modules 3
        unit (linear 24 |> relu)
        init He
        choose 1
    }

let six_layers =
    network "fig2" {
        image (1, 28, 28)
        flatten

        for _ in 1..5 do
            hidden

        modular {
            modules 3
            unit (linear 10)
            init He
            choose 1
        }

        categorical
    }

(**
Six choices among three: 729 paths. a* starts uniform over them. What the figure shows is a* of 2,000 training images, evenly spaced over
the training set.
*)

let em_3_1 =
    row "em-3-1" {
        label "EM, six layers, M = 3, K = 1"
        paper_says "paths that 2,000 images take in the end" "many"

        run (fun scale ->
            experiment {
                net six_layers

                data (
                    mnist "" {
                        held_out 5_000
                        standardise true
                    }
                )

                train (
                    em {
                        samples 10
                        m_steps 15
                        batch 128
                        e_batch 512
                        steps (scale.Pick(16_000, 1_600))
                        optimizer (Adam 3e-3)
                        controller_weight 0.01
                    }
                )

                log_every 50
                validate_every (scale.Pick(1_000, 400))
                trace_every (scale.Pick(1_000, 100))
                trace_rows 2_000
            })
    }

(**
The two subsets, by rule: the images whose a* is, in the end, the most frequent path of all; and those of the most frequent path
among those that differ from it in at least half of the layers. Both are traced back.
*)

let path_of (trace: Runtime.RoutingTrace) n = [ for layer in trace.Layers -> layer.Selections[n, 0, 0] ]

let frequent (trace: Runtime.RoutingTrace) =
    Seq.init trace.Count (path_of trace)
    |> Seq.countBy id
    |> Seq.sortBy (fun (path, count) -> -count, path)
    |> Seq.toList

let apart one other = List.zip one other |> List.filter (fun (a, b) -> a <> b) |> List.length

let two_paths (trace: Runtime.RoutingTrace) =
    match frequent trace with
    | (first, _) :: others ->
        first
        :: (others
            |> List.tryFind (fun (path, _) -> apart first path >= first.Length / 2)
            |> Option.map fst
            |> Option.toList)
    | [] -> []

let named path = path |> List.map string |> String.concat "–"

let sections (run: StudyRun) =
    let traces = Trace.load_over_time run.Folder |> List.map Trace.assigned
    let last = List.last traces

    // Five times: the start, the end, and between them where a* changes most, early on.
    let times =
        [ 0.0; 0.0625; 0.125; 0.25; 1.0 ]
        |> List.map (fun share -> traces |> List.minBy (fun trace -> abs (float trace.Step - share * float last.Step)))
        |> List.distinct

    let classes (members: int[]) =
        members
        |> Seq.countBy (fun n -> last.TargetClasses[n, 0])
        |> Seq.sortByDescending snd
        |> Seq.truncate 4
        |> Seq.map (fun (digit, count) -> $"{digit} (%.0f{100.0 * float count / float members.Length} %%)")
        |> String.concat ", "

    [
        for path in two_paths last do
            let members = [|
                for n in 0 .. last.Count - 1 do
                    if path_of last n = path then n
            |]

            let at_step (trace: Runtime.RoutingTrace) =
                $"step {Label.number (float trace.Step)}", trace.Pick members |> Inspect.paths 1

            Section.figure
                $"Images that end on path {named path}, {run.Name}"
                $"{members.Length} of {Label.number (float last.Count)} images; most of them show {classes members}. Layers from left to right, modules 0 to 2 from top to bottom. {PathFigure.caption}"
                (PathFigure.evolution (List.map at_step times))

        Section.make "The most frequent paths of a*" [
            Content.Table(
                [ "path"; "images"; "digits" ],
                [
                    for path, count in List.truncate 12 (frequent last) do
                        let members = [|
                            for n in 0 .. last.Count - 1 do
                                if path_of last n = path then n
                        |]

                        [ named path; string count; classes members ]
                ]
            )
        ]
    ]

study "fig2" {
    title "Figure 2: paths through six modular layers"
    data_folder "mnist"
    rows [ em_3_1 ]

    measure "paths that 2,000 images take in the end" (fun run ->
        Trace.load_over_time run.Folder |> List.last |> Trace.assigned |> frequent |> List.length |> float |> Some)

    measure "share on the twelve most frequent [%]" (fun run ->
        let last = Trace.load_over_time run.Folder |> List.last |> Trace.assigned
        let most = frequent last |> List.truncate 12 |> List.sumBy snd
        Some(100.0 * float most / float last.Count))

    measure "test accuracy [%]" (fun run -> run.Test.Accuracy |> Option.map ((*) 100.0))
    measure "H_a [nats]" (fun run -> run.Test.SelectionEntropy)
    measure "H_b [nats]" (fun run -> run.Test.BatchSelectionEntropy)
    report (fun runs -> runs |> List.filter _.Finished |> List.truncate 1 |> List.collect sections)
}
|> Study.main fsi.CommandLineArgs
