(**
# Do co-active units cluster by themselves?

The authors' blog post: "Another interesting aspect I would like to investigate is whether modularity naturally occurs in artificial neural
networks. Could we create a graph of co-activity of neurons to see whether functionality clusters into modules automatically?"

    ./modnet reproduce coactivity --data DIR
    ./modnet reproduce coactivity --data DIR --quick

DIR holds MNIST's files, or a folder `mnist` with them. A dense network with two hidden layers of 256 units is trained, with and without an L1 penalty on activations. The units of its first hidden layer are
joined by A = |r|, the correlation of their outputs over test images without its sign. Communities are those of Louvain's method, and their modularity Q
stands beside that of rewired graphs, in which every unit keeps the number of its links. Criterion: Q is above that of every rewired graph, for each seed.
*)
#load "units.fsx"

open ModNet
open ModNet.Figures
open Units

let matrix (run: StudyRun) =
    Section.figure
        $"Co-activity, {run.Name}"
        $"|r| of the {width} units of {layer}, over {datapoints} test images; links below {least} are left out. Units stand in the order of their communities, the largest first."
        (StructureFigure.matrix (communities_of run))

let line (run: StudyRun) =
    let against = against_of run
    let communities = communities_of run

    [
        run.Name
        string communities.Graph.Links.Count
        string communities.Count
        text 3 against.Found
        $"{text 3 against.Mean} ± {text 3 against.Deviation}"
        text 1 against.Z
        run |> accuracy |> Option.map (text 2) |> Option.defaultValue "–"
    ]

let criterion (runs: StudyRun list) (row: StudyRow) =
    let found = of_row row.Id runs |> List.map against_of
    let above = found |> List.filter (fun against -> against.Found > Array.max against.Rewired)

    Criteria.row
        $"{row.Label}: Q is above all rewired graphs', for each seed"
        $"{above.Length} of {found.Length} seeds"
        (found.Length > 0 && above.Length = found.Length)

let sections (runs: StudyRun list) = [
    verdicts [ for row in [ without; l1 ] -> criterion runs row ]
    Section.make "Modularity" [
        Content.Table(
            [ "run"; "links"; "communities"; "Q"; "Q, rewired"; "z"; "test accuracy [%]" ],
            runs |> List.map line
        )
    ]
    for row in [ without; l1 ] do
        for run in of_row row.Id runs |> List.truncate 1 do
            matrix run

            Section.figure
                $"Q and chance, {run.Name}"
                "Q of the communities as a line, and of those of rewired graphs."
                (StructureFigure.rewired "modularity Q" (against_of run))
]

study "coactivity" {
    title "Co-activity of units on MNIST"
    data_folder "mnist"
    rows [ without; l1 ]
    measure "Q" (fun run -> Some (against_of run).Found)
    measure "Q, rewired" (fun run -> Some (against_of run).Mean)
    measure "z" (fun run -> Some (against_of run).Z)
    measure "test accuracy [%]" accuracy
    report (List.filter _.Finished >> sections)
}
|> Study.main fsi.CommandLineArgs
