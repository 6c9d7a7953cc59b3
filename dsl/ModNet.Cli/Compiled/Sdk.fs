namespace ModNet.Cli

open System
open System.IO
open ModNet.Runtime

/// The .NET SDK whose F# compiler `dotnet fsi` takes.
[<RequireQualifiedAccess>]
module Sdk =

    let private sdks = Path.Combine(Path.GetDirectoryName Environment.ProcessPath, "sdk")

    let rec private asked (folder: string) : string =
        let path = Path.Combine(folder, "global.json")

        match File.Exists path, Path.GetDirectoryName folder with
        | true, _ -> File.ReadAllText path
        | false, null -> ""
        | false, parent -> asked parent

    /// What decides which SDK that is, in this folder: those that are there, and what a global.json asks for.
    let choice () : string list =
        let versions = if Directory.Exists sdks then Directory.GetDirectories sdks |> Array.sort |> List.ofArray else []

        versions @ [ asked (Directory.GetCurrentDirectory()) ]

    /// The folder of the compiler; None where it is not found.
    let compiler () : string option =
        match OtherProgram.Ask(Environment.ProcessPath, "--version") |> Option.ofNullable with
        | Some(struct (0, version, _)) ->
            Path.Combine(sdks, version.Trim(), "FSharp")
            |> Some
            |> Option.filter (fun folder -> File.Exists(Path.Combine(folder, "fsc.dll")))
        | _ -> None
