namespace ModNet.Cli.Verbs

open System
open System.IO
open ModNet
open ModNet.Cli

/// `./modnet reproduce NAME`: runs the script in notebooks/ that declares the study of this name.
[<RequireQualifiedAccess>]
module Reproduce =

    let private help = "Run a figure or table of the paper, and show its numbers beside the paper's."

    /// Beside the program as ./modnet builds it: artifacts/bin/ModNet.Cli/release.
    let private notebooks =
        Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "..", "notebooks"))

    let private all = "all"

    /// The studies in notebooks/, by name: scripts that end in `Study.main`.
    let private studies () : (string * string) list =
        if Directory.Exists notebooks then
            Directory.GetFiles(notebooks, "*.fsx")
            |> Seq.filter (fun path -> (File.ReadAllText path).Contains "|> Study.main ")
            |> Seq.map (fun path -> Path.GetFileNameWithoutExtension path, path)
            |> Seq.sortBy fst
            |> Seq.toList
        else
            []

    /// Where the user ended a study, the others are not begun.
    let private stopped = 130

    /// One after the other; what cannot be done is said, and the rest goes on.
    let private runAll (options: string list) : int =
        let rec go code waiting =
            match waiting with
            | [] -> code
            | (_, script) :: rest ->
                match ScriptHost.run "reproduce" script options with
                | ended when ended = stopped || ended = CommandLine.Exit.usage -> ended
                | ended -> go (max code ended) rest

        go CommandLine.Exit.ok (studies ())

    /// By a study's name, `all`, or a script of one's own; the study reads the options.
    let private run (name: string) (options: string list) : int =
        let known = studies ()

        match List.tryFind (fun (study, _) -> study = name) known with
        | Some(_, script) -> ScriptHost.run "reproduce" script options
        | None when name = all -> runAll options
        | None when name.EndsWith(".fsx", StringComparison.OrdinalIgnoreCase) -> ScriptHost.run "reproduce" name options
        | None ->
            let names = (known |> List.map fst) @ [ all ]
            let list = String.concat ", " names
            CommandLine.complain "reproduce" $"there is no study {name}{CommandLine.hint names name}; there are: {list}"

    let verb = Verb.forwarded StudyCommand.reproduce help run
