namespace ModNet.Cli.Verbs

open System.CommandLine
open ModNet
open ModNet.Cli

/// `./modnet completion SHELL`: prints what makes a shell complete ModNet's commands.
[<RequireQualifiedAccess>]
module Completion =

    let private help =
        "Print a script that makes bash or zsh complete the commands: source <(./modnet completion bash)"

    let private shell =
        let shell = Argument<string>("SHELL", Description = "bash or zsh")
        shell.AcceptOnlyFromAmong("bash", "zsh") |> ignore
        shell

    /// The commands stand beside this one in the parsed line's root.
    let private run (parsed: ParseResult) : int =
        let commands = parsed.RootCommandResult.Command.Subcommands |> Seq.toList
        let studies = RegisteredStudies.all () |> List.map fst

        let script =
            if parsed.GetValue shell = "zsh" then
                CompletionScript.zsh studies commands
            else
                CompletionScript.bash studies commands

        printfn $"{script}"
        CommandLine.Exit.ok

    let verb = Verb.create "completion" help [ shell ] [] (Action.Parsed run)
