namespace ModNet

open System
open System.Security.Cryptography
open System.Text

/// The part of an experiment that decides its outcome.
[<RequireQualifiedAccess>]
module internal Essence =

    /// This part as JSON, since arrays and functions in a script are new objects every time. It leaves out how often a run logs and validates, what
    /// it keeps, and where it is written: these change nothing about what a step does.
    let text (experiment: Experiment) : string =
        Experiment.to_json {
            experiment with
                // Where data lie differs from machine to machine, and changes nothing about them.
                Data = Sources.at "" experiment.Data
                LogEvery = 1
                // What early stopping goes by.
                ValidateEvery = if experiment.Method.Gradient.EarlyStopping.IsSome then experiment.ValidateEvery else 1
                CheckpointEvery = None
                KeepCheckpoints = 1
                KeepBest = true
                Tracing = { Every = None; Rows = 1; AtEnd = 1 }
                Out = None
        }

    /// The experiment whatever its seed and device, as JSON: runs that have it in common are runs of one row of a study.
    let ofRow (experiment: Experiment) : string = text { experiment with Seed = 0; Device = Cpu }

    /// Twelve hexadecimal digits for `ofRow`.
    let identity (experiment: Experiment) : string =
        let hash = ofRow experiment |> Encoding.UTF8.GetBytes |> SHA256.HashData
        Convert.ToHexStringLower(hash)[..11]
