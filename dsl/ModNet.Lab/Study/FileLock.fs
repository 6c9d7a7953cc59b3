namespace ModNet

open System
open System.IO
open System.Security.Cryptography
open System.Text
open System.Threading
open ModNet.Runtime

/// Locks between processes. When a process dies, the system frees its locks.
[<RequireQualifiedAccess>]
module internal FileLock =

    /// Takes a lock; disposing frees it. None where another process holds it.
    let tryTake (path: string) : IDisposable option =
        try
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath path)) |> ignore

            Some(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None) :> IDisposable)
        with
        | :? UnauthorizedAccessException as cause ->
            Refusal.refuse path "a file that can be written" cause.Message "give another folder with --out"
        | :? IOException when Directory.Exists(Path.GetDirectoryName(Path.GetFullPath path)) -> None

    let private patience = TimeSpan.FromMinutes 2.0

    /// Does the action while no other process does one for the same folder; waits for its turn for up to two minutes.
    let within (folder: string) (action: unit -> 'Result) : 'Result =
        // Not in the folder itself, which is the user's and may be under version control.
        let name = Path.GetFullPath folder |> Encoding.UTF8.GetBytes |> SHA256.HashData |> Convert.ToHexStringLower

        let path = Path.Combine(Path.GetTempPath(), $"modnet-{name[..15]}.lock")
        let until = DateTime.UtcNow + patience

        let rec take () =
            match tryTake path with
            | Some held -> held
            | None when DateTime.UtcNow > until ->
                Refusal.refuse
                    path
                    "a lock that is free"
                    $"one that another process has held for {patience.TotalMinutes:F0} minutes"
                    "see whether a `reproduce` hangs, and end it"
            | None ->
                Thread.Sleep 50
                take ()

        use _held = take ()
        action ()
