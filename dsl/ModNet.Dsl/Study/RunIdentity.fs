namespace ModNet

open System
open System.Security.Cryptography
open System.Text

/// What of an experiment decides its outcome, as a short hash: two runs with the same one and the same seed are the same run.
[<RequireQualifiedAccess>]
module internal RunIdentity =

    // Where data lie differs from machine to machine, and says nothing of what they are.
    let private anywhere (data: Data) : Data =
        match data with
        | Data.Text text -> Data.Text { text with Path = "" }
        | Data.Csv csv -> Data.Csv { csv with Path = "" }
        | Data.Mnist images -> Data.Mnist { images with Path = "" }
        | Data.Cifar10 images -> Data.Cifar10 { images with Path = "" }
        | Data.ToyRegression _
        | Data.InMemory _
        | Data.Generated _ -> data

    /// Twelve hexadecimal digits. Seed, folder, device, and how often it is looked at have no part in them.
    let ofExperiment (experiment: Experiment) : string =
        let bare = {
            experiment with
                Data = anywhere experiment.Data
                Seed = 0
                Device = Cpu
                LogEvery = 1
                ValidateEvery = 1
                CheckpointEvery = None
                Out = None
        }

        let hash = Experiment.to_json bare |> Encoding.UTF8.GetBytes |> SHA256.HashData
        Convert.ToHexStringLower(hash)[..11]
