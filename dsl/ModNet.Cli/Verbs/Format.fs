namespace ModNet.Cli.Verbs

open System.CommandLine
open ModNet.Cli

/// `./modnet format`.
[<RequireQualifiedAccess>]
module Format =

    let private help = "Format the sources."

    let private check = Option<bool>("--check", Description = "change nothing, and say which files are not formatted")

    let verb = Verb.create "format" help [] [ check ] Action.ByModnet
