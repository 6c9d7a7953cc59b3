namespace ModNet.Cli.Verbs

open System.CommandLine
open ModNet.Cli

/// `./modnet pack`.
[<RequireQualifiedAccess>]
module Pack =

    let private help = "Make NuGet packages for scripts and projects outside this repository."

    let private folder =
        Argument<string>(
            "FOLDER",
            Description = "where the packages go; else artifacts/packages",
            Arity = ArgumentArity.ZeroOrOne
        )

    let private version =
        Option<string>("--version", Description = "the packages' version; else that of the sources", HelpName = "V")

    let verb = Verb.create "pack" help [ folder ] [ version ] Action.ByModnet
