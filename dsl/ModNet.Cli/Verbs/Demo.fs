namespace ModNet.Cli.Verbs

open ModNet
open ModNet.Cli
open ModNet.Notebooks

/// `./modnet demo`: the toy regression, from nothing to a report.
[<RequireQualifiedAccess>]
module Demo =

    let private help = "Train the paper's toy regression, and leave a report in runs/demo."

    /// Trains notebooks/toy.fsx into runs/demo, or where the settings say.
    let private run (settings: Settings) : int =
        let experiment = { Toy.run with Out = Some "runs/demo" } |> Settings.apply settings

        let experiment = ModNet.Check.experiment experiment |> Refusal.orRaise
        printfn "The paper's toy regression (section 3.1): 2 modules, 1 chosen per datapoint, trained by Viterbi EM."
        printfn ""
        let outcome = ModNet.Train.run settings experiment

        if not outcome.Finished then CommandLine.Exit.stopped else CommandLine.Exit.ok

    let verb = Action.Parsed(CommandLine.settings >> run) |> Verb.create "demo" help [] CommandLine.training
