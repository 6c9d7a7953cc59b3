namespace ModNet.Cli.Verbs

open System.CommandLine
open ModNet
open ModNet.Cli

/// `./modnet compare RUN RUN…`: several runs on one page.
[<RequireQualifiedAccess>]
module Compare =

    let private help = "Write a page that shows runs beside each other: metrics, curves, settings."

    let private runs =
        Argument<string array>(
            "RUN",
            Description = "the folders of two or more runs, or one with runs in it, such as a sweep's",
            Arity = ArgumentArity(1, 100_000)
        )

    let private out =
        Option<string>(
            "--out",
            Description = "the page to write",
            HelpName = "FILE",
            DefaultValueFactory = fun _ -> "compare.html"
        )

    let private compare (parsed: ParseResult) : int =
        let folders = parsed.GetValue runs |> Array.toList

        let page = parsed.GetValue out
        if not (parsed.GetResult out).Implicit then NamedFile.demandPage page
        RunComparison.page folders |> Report.write page
        printfn $"page: {page}"
        CommandLine.Exit.ok

    let verb = Verb.create "compare" help [ runs ] [ out ] (Action.Parsed compare)
