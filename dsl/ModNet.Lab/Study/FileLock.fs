namespace ModNet

open System
open System.IO
open System.Security.Cryptography
open System.Text
open System.Threading
open ModNet.Runtime

/// Locks between processes. The system frees those of a process that dies.
[<RequireQualifiedAccess>]
module internal FileLock =

    /// None where another one holds it.
    let tryTake (path: string) : IDisposable option =
        try
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath path)) |> ignore

            Some(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None) :> IDisposable)
        with
        | :? UnauthorizedAccessException as cause ->
            Refusal.refuse path "a file that can be written" cause.Message "give another folder with --out"
        | :? IOException when Directory.Exists(Path.GetDirectoryName(Path.GetFullPath path)) -> None

    let private patience = TimeSpan.FromMinutes 2.0

    /// Waits for whoever rewrites what lies in the folder, does the action, and lets others.
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
