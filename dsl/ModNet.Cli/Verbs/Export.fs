namespace ModNet.Cli.Verbs

open System.CommandLine
open ModNet
open ModNet.Cli

/// `./modnet export RUN --out DIR`: weights alone, with a model card.
[<RequireQualifiedAccess>]
module Export =

    let private help = "Write a run's weights alone, with a model card, into a new folder."

    let private run = Argument<string>("RUN", Description = "a run's folder")

    let private out = Option<string>("--out", Description = "the new folder", HelpName = "DIR", Required = true)

    let private export (parsed: ParseResult) : int =
        let folder = parsed.GetValue out

        if parsed.GetValue RunToUse.best then
            Trained.export_best (parsed.GetValue run) folder
        else
            Trained.export (parsed.GetValue run) folder

        printfn $"weights and model card: {folder}"
        CommandLine.Exit.ok

    let verb = Verb.create "export" help [ run ] [ out; RunToUse.best ] (Action.Parsed export)
