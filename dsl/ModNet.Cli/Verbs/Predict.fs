namespace ModNet.Cli.Verbs

open System
open System.CommandLine
open ModNet
open ModNet.Cli

/// `./modnet predict RUN --data X`: what a trained network says of data.
[<RequireQualifiedAccess>]
module Predict =

    let private help = "Predict the rows of a file with a run's network: classes, probabilities, chosen modules."

    let private run = Argument<string>("RUN", Description = "a run's folder, or one that export wrote")

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

    let private best = Option<bool>("--best", Description = "take best.safetensors instead of the newest checkpoint")

    let private device =
        Option<string>("--device", Description = "cpu, cuda or cuda:N; else what the run says", HelpName = "DEVICE")

    let private predict (parsed: ParseResult) : int =
        let folder = parsed.GetValue run
        let device = parsed.GetValue device |> Option.ofObj |> Option.map Devices.parse

        let change (experiment: Experiment) = { experiment with Device = Option.defaultValue experiment.Device device }

        let load = if parsed.GetValue best then Trained.load_best_as change else Trained.load_as change
        use trained = load folder
        use output = Console.OpenStandardOutput()

        Predicting.write
            trained
            (parsed.GetValue top |> Option.ofNullable)
            (parsed.GetValue data)
            (parsed.GetValue out |> Option.ofObj)
            output
        |> Option.iter (eprintfn "%s")

        CommandLine.Exit.ok

    let verb = Verb.create "predict" help [ run ] [ data; out; top; best; device ] (Action.Parsed predict)
