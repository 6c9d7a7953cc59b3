namespace ModNet.Cli.Verbs

open System.CommandLine
open ModNet.Cli

/// `./modnet test`.
[<RequireQualifiedAccess>]
module Test =

    let private help = "Build everything and run the tests, or only those whose names contain WORDS."

    let private words =
        Argument<string[]>(
            "WORDS",
            Description = "words of tests' names, taken as one phrase",
            Arity = ArgumentArity.ZeroOrMore
        )

    let private long = Option<bool>("--long", Description = "run the long tests, too")

    let verb = Verb.create "test" help [ words ] [ long ] Action.ByModnet
