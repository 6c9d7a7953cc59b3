namespace ModNet.Cli.Verbs

open System.CommandLine
open ModNet
open ModNet.Cli
open ModNet.Runtime

/// `./modnet sample RUN --prompt "…"`: a network on a text goes on with one.
[<RequireQualifiedAccess>]
module Sample =

    let private help = "Let a run's network on a text write one."

    let private prompt =
        Option<string>(
            "--prompt",
            Description = "the text to go on from; else a new line begins",
            HelpName = "TEXT",
            DefaultValueFactory = fun _ -> ""
        )

    let private tokens =
        Option<int>(
            "--tokens",
            Description = "how many words, or characters, to write",
            HelpName = "N",
            DefaultValueFactory = fun _ -> 100
        )

    let private temperature =
        Option<float>(
            "--temperature",
            Description = "draws from p^(1/T); 0 takes the most probable",
            HelpName = "T",
            DefaultValueFactory = fun _ -> 1.0
        )

    let private topK =
        Option<int>(
            "--top-k",
            Description = "draw only from the K most probable; 0 is all",
            HelpName = "K",
            DefaultValueFactory = fun _ -> 0
        )

    let private seed =
        Option<int64>(
            "--seed",
            Description = "the number that all draws come from",
            HelpName = "N",
            DefaultValueFactory = fun _ -> 1L
        )

    let private sample (parsed: ParseResult) : int =
        use trained = RunToUse.load parsed

        trained.Sample(
            parsed.GetValue prompt,
            parsed.GetValue tokens,
            parsed.GetValue temperature,
            parsed.GetValue topK,
            parsed.GetValue seed,
            System.Action<string>(VisibleText.Lines >> eprintfn "%s")
        )
        |> VisibleText.Lines
        |> printfn "%s"

        CommandLine.Exit.ok

    let verb =
        Verb.create
            "sample"
            help
            [ RunToUse.run ]
            [ prompt; tokens; temperature; topK; seed; RunToUse.best; RunToUse.device ]
            (Action.Parsed sample)
