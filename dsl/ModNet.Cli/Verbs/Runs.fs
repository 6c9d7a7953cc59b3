namespace ModNet.Cli.Verbs

open System.CommandLine
open ModNet
open ModNet.Cli

/// `./modnet runs [DIR]`: which runs there are, and how far they have come.
[<RequireQualifiedAccess>]
module Runs =

    let private help = "List the runs in a folder: network, data, method, steps, best validation, state."

    let private folder =
        Argument<string>("DIR", Description = "the folder to look in; else runs", DefaultValueFactory = fun _ -> "runs")

    let private json = Option<bool>("--json", Description = "print a JSON array instead of a table")

    let private list (parsed: ParseResult) : int =
        let folder = parsed.GetValue folder
        let found = RunOverview.list folder

        if parsed.GetValue json then printfn "%s" (RunOverview.json found)
        elif found.IsEmpty then printfn $"{folder}: no runs"
        else RunOverview.lines found |> List.iter (printfn "%s")

        CommandLine.Exit.ok

    let verb = Verb.create "runs" help [ folder ] [ json ] (Action.Parsed list)
