namespace ModNet.Cli

open System
open System.IO

/// The clone that this program was built in.
[<RequireQualifiedAccess>]
module CloneFolder =

    /// Its root: the program lies in artifacts/bin/ModNet.Cli/release.
    let root: string = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", ".."))

    /// The command as one types it here.
    let command: string =
        if Directory.GetCurrentDirectory() = root.TrimEnd Path.DirectorySeparatorChar then
            "./modnet"
        else
            Path.Combine(root, "modnet")

    /// The folder of the literate scripts.
    let notebooks: string = Path.Combine(root, "notebooks")

/// The studies that `./modnet reproduce` knows.
[<RequireQualifiedAccess>]
module RegisteredStudies =

    /// By name with their scripts: notebooks/studies.txt has a name in each line, and NAME.fsx declares the study.
    let all () : (string * string) list =
        let register = Path.Combine(CloneFolder.notebooks, "studies.txt")

        if File.Exists register then
            File.ReadAllLines register
            |> Seq.map _.Trim()
            |> Seq.filter (fun line -> line <> "" && not (line.StartsWith '#'))
            |> Seq.map (fun name -> name, Path.Combine(CloneFolder.notebooks, $"{name}.fsx"))
            |> Seq.toList
        else
            []
