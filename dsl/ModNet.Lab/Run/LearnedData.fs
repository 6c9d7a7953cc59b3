namespace ModNet

open System.IO
open ModNet.Runtime

/// Whether data are still those that a run learned from, by the `data.json` in the run's folder.
[<RequireQualifiedAccess>]
module internal LearnedData =

    /// What differs, as lines of text; None where the data are the same, or the folder does not tell what the run learned from.
    let difference (folder: string) (data: DataIdentity) : string option =
        match Preparation.Read(Path.Combine(folder, Preparation.FileName)) with
        | null -> None
        | prepared -> data.DifferenceFrom prepared.Data |> Option.ofObj

    /// Raises UserException, with what differs, where the data are others.
    let demand (folder: string) (data: DataIdentity) (remedy: string) : unit =
        difference folder data
        |> Option.iter (fun different ->
            Refusal.refuse folder "the data that the run learned from" "others" $"{remedy}; what differs:{different}")
