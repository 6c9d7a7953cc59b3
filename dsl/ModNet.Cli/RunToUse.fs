namespace ModNet.Cli

open System
open System.CommandLine
open System.IO
open ModNet
open ModNet.Runtime

/// What the commands that use a trained network have in common: which run, which of its checkpoints, and on which device.
[<RequireQualifiedAccess>]
module RunToUse =

    let run = Argument<string>("RUN", Description = "a run's folder, or one that export wrote")

    let best = Option<bool>("--best", Description = "take best.safetensors instead of the newest checkpoint")

    let device =
        Option<string>(
            "--device",
            Description = "auto, cpu, cuda or cuda:N; else what the run says",
            HelpName = "DEVICE"
        )

    /// The network of the run that the parsed command names. Raises UserException where it cannot be opened.
    let load (parsed: ParseResult) : TrainedNetwork =
        let device = parsed.GetValue device |> Option.ofObj |> Option.map Devices.parse

        let change (experiment: Experiment) = { experiment with Device = Option.defaultValue experiment.Device device }

        let load = if parsed.GetValue best then Trained.load_best_as change else Trained.load_as change
        load (parsed.GetValue run)

    /// Does what writes a page. Raises UserException where the file cannot be written.
    let writing (page: string) (action: unit -> unit) : unit =
        try
            action ()
        with
        | :? IOException
        | :? UnauthorizedAccessException as refused ->
            raise (UserException(page, "a file that can be written", refused.Message, "give another one with --out"))
