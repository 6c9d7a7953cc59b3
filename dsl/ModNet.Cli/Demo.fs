namespace ModNet.Cli

open ModNet
open ModNet.Notebooks

/// `./modnet demo`: the toy regression, from nothing to a report.
[<RequireQualifiedAccess>]
module Demo =

    /// Trains notebooks/toy.fsx into runs/demo, or where the settings say.
    let run (settings: Settings) : int =
        let experiment = { Toy.run with Out = Some "runs/demo" } |> Settings.apply settings

        let summary = Check.experiment experiment |> Refusal.orRaise
        printfn "The paper's toy regression (section 3.1): 2 modules, 1 chosen per datapoint, trained by Viterbi EM."
        printfn ""
        printfn $"{summary}"
        printfn ""
        Train.run settings experiment |> ignore
        CommandLine.Exit.ok
