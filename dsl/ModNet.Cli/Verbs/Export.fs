namespace ModNet.Cli.Verbs

open System.CommandLine
open ModNet
open ModNet.Cli

/// `./modnet export RUN --out DIR`: weights alone, with a model card.
[<RequireQualifiedAccess>]
module Export =

    let private help = "Write a run's weights alone, with a model card, into a new folder."

    let private run = Argument<string>("RUN", Description = "a run's folder")

    let private out = Option<string>("--out", Description = "the new folder", HelpName = "DIR", Required = true)

    let private format =
        let format =
            Option<string>(
                "--format",
                Description = "safetensors, or onnx, which also writes model.onnx for other programs; else safetensors",
                HelpName = "FORMAT"
            )

        format.AcceptOnlyFromAmong("safetensors", "onnx") |> ignore
        format

    let private export (parsed: ParseResult) : int =
        let folder = parsed.GetValue out

        let write =
            match parsed.GetValue format = "onnx", parsed.GetValue RunToUse.best with
            | false, false -> Trained.export
            | false, true -> Trained.export_best
            | true, false -> Trained.export_onnx
            | true, true -> Trained.export_best_onnx

        write (parsed.GetValue run) folder

        printfn $"weights and model card: {folder}"
        CommandLine.Exit.ok

    let verb = Verb.create "export" help [ run ] [ out; format; RunToUse.best ] (Action.Parsed export)
