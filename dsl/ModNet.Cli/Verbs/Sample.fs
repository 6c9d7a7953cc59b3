namespace ModNet.Cli.Verbs

open System.CommandLine
open ModNet
open ModNet.Cli
open ModNet.Runtime

/// `./modnet sample RUN --prompt "…"`: a network on a text goes on with one.
[<RequireQualifiedAccess>]
module Sample =

    let private help = "Let a run's network on a text write one."

    let private run = Argument<string>("RUN", Description = "a run's folder, or one that export wrote")

    let private prompt =
        Option<string>(
            "--prompt",
            Description = "the words to go on from; else a new line begins",
            HelpName = "WORDS",
            DefaultValueFactory = fun _ -> ""
        )

    let private tokens =
        Option<int>(
            "--tokens",
            Description = "how many words to write",
            HelpName = "N",
            DefaultValueFactory = fun _ -> 100
        )

    let private temperature =
        Option<float>(
            "--temperature",
            Description = "draws from p^(1/T); 0 takes the most probable word",
            HelpName = "T",
            DefaultValueFactory = fun _ -> 1.0
        )

    let private topK =
        Option<int>(
            "--top-k",
            Description = "draw only from the K most probable words; 0 is all",
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

    let private best = Option<bool>("--best", Description = "take best.safetensors instead of the newest checkpoint")

    let private sample (parsed: ParseResult) : int =
        let folder = parsed.GetValue run
        use trained = if parsed.GetValue best then Trained.load_best folder else Trained.load folder

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
        Verb.create "sample" help [ run ] [ prompt; tokens; temperature; topK; seed; best ] (Action.Parsed sample)
