namespace ModNet

open System.IO
open ModNet.Runtime

/// What may differ between a run and its continuation.
module internal Resuming =

    let private essence (experiment: Experiment) =
        Essence.text {
            experiment with
                Method = experiment.Method.WithSteps 1
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
