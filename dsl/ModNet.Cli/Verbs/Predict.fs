namespace ModNet.Cli.Verbs

open System
open System.CommandLine
open ModNet
open ModNet.Cli

/// `./modnet predict RUN --data X`: what a trained network says of data.
[<RequireQualifiedAccess>]
module Predict =

    let private help = "Predict the rows of a file with a run's network: classes, probabilities, chosen modules."

    let private data =
        Option<string>(
            "--data",
            Description = "rows, images or text as the run's data were, with or without targets",
            HelpName = "PATH",
            Required = true
        )

    let private out =
        Option<string>(
            "--out",
            Description = "the file to write, .csv, .jsonl or .parquet; else CSV is printed",
            HelpName = "FILE"
        )

    let private top =
        Option<Nullable<int>>(
            "--top",
            Description = "only the N most probable classes of each row; else all of up to 100, or 5",
            HelpName = "N"
        )

    let private overwrite = Option<bool>("--overwrite", Description = "replace the file that --out names")

    let private predict (parsed: ParseResult) : int =
        let out = parsed.GetValue out |> Option.ofObj
        if not (parsed.GetValue overwrite) then Option.iter (NamedFile.demandNew "--out") out
        use trained = RunToUse.load parsed
        use output = Console.OpenStandardOutput()

        Predicting.write trained (parsed.GetValue top |> Option.ofNullable) (parsed.GetValue data) out output
        |> Option.iter (eprintfn "%s")

        CommandLine.Exit.ok

    let verb =
        Verb.create
            "predict"
            help
            [ RunToUse.run ]
            [ data; out; overwrite; top; RunToUse.best; RunToUse.device ]
            (Action.Parsed predict)
