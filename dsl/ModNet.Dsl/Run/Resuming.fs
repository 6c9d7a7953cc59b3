namespace ModNet

open System.IO
open ModNet.Runtime

/// What may differ between a run and its continuation.
module internal Resuming =

    // How long to train, how often to look and where to write change nothing of what a step does.
    // Told as JSON, since arrays and functions in a script are other objects every time.
    let private essence (experiment: Experiment) =
        Experiment.to_json {
            experiment with
                Method = experiment.Method.WithSteps 1
                LogEvery = 1
                ValidateEvery = 1
                CheckpointEvery = None
                Tracing = { Every = None; Rows = 1; AtEnd = 1 }
                Out = None
        }

    /// Raises UserException unless the experiment is the one that the folder's run was of, but for its length and how often
    /// it looks.
    let demandSame (folder: string) (experiment: Experiment) : unit =
        let path = Path.Combine(folder, "spec.json")

        let remedy =
            "resume with the script and options that it was started with, or start anew without --resume"

        let before =
            try
                File.ReadAllText path
            with :? IOException as missing ->
                raise (UserException(path, "the experiment of the run to resume", missing.Message, remedy))

        match Experiment.of_json before with
        | Error problem -> raise (UserException(path, "the experiment of the run to resume", $"{problem}", remedy))
        | Ok earlier when essence earlier <> essence experiment ->
            raise (UserException(path, "the same experiment as the run to resume", "another", remedy))
        | Ok _ -> ()
