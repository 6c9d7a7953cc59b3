namespace ModNet

open System
open System.IO
open ModNet.Runtime

/// Writes folders whole or not at all.
[<RequireQualifiedAccess>]
module internal NewFolder =

    /// Raises UserException where something is there that is no empty folder.
    let demand (out: string) : unit =
        if
            File.Exists out || (Directory.Exists out && not (Seq.isEmpty (Directory.EnumerateFileSystemEntries out)))
        then
            Refusal.refuse out "a new folder, or an empty one" "something that is there already" "give another one"

    /// Writes a folder that must be new, or empty: `fill` is given the path of one beside it, which gets its name when all is there. UserException
    /// where something is there already, or the disk refuses.
    let write (out: string) (fill: string -> unit) : unit =
        let out = Path.TrimEndingDirectorySeparator(Path.GetFullPath out)
        demand out
        use unfinished = new UnfinishedPath(out)

        try
            Directory.CreateDirectory unfinished.Path |> ignore
            fill unfinished.Path
            if Directory.Exists out then Directory.Delete out
            Directory.Move(unfinished.Path, out)
        with
        | :? IOException
        | :? UnauthorizedAccessException as refused ->
            Refusal.refuse out "a folder that can be written" refused.Message "give another one"
