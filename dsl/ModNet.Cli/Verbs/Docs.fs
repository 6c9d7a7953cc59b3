namespace ModNet.Cli.Verbs

open System.CommandLine
open ModNet.Cli

/// `./modnet docs`.
[<RequireQualifiedAccess>]
module Docs =

    let private help = "Make web pages of the documentation and of every public type and function."

    let private folder =
        Argument<string>(
            "FOLDER",
            Description = "where the pages go; else artifacts/docs",
            Arity = ArgumentArity.ZeroOrOne
        )

    let verb = Verb.create "docs" help [ folder ] [] Action.ByModnet
