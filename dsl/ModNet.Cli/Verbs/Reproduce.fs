namespace ModNet.Cli.Verbs

open System
open System.IO
open ModNet
open ModNet.Cli

/// `./modnet reproduce NAME`: runs the script in notebooks/ that declares the study of this name, then rewrites the tables in docs/results.md and README.md.
[<RequireQualifiedAccess>]
module Reproduce =

    let private help = "Run a figure or table of the paper, and show its numbers beside the paper's."

    let private all = "all"

    /// Runs the script, whatever comes of it, and then brings docs/results.md and README.md up to date with what it kept.
    let private study (command: string) (script: string) (options: string list) : int =
        let code = ScriptHost.run command script options
        ResultsPage.update (Path.GetDirectoryName(Path.GetFullPath script))
        code

    /// One after the other. A study that cannot be done does not keep the others from being done.
    let private runAll (options: string list) : int =
        let rec go code waiting =
            match waiting with
            | [] -> code
            | (_, script) :: rest ->
                match study Host.reproduceAll script options with
                | ended when ended = CommandLine.Exit.stopped || ended = CommandLine.Exit.usage -> ended
                | ended -> go (max code ended) rest

        go CommandLine.Exit.ok (RegisteredStudies.all ())

    /// By a study's name, `all`, or a script of one's own; the study reads the options.
    let private run (name: string) (options: string list) : int =
        let known = RegisteredStudies.all ()

        match List.tryFind (fst >> (=) name) known with
        | Some(_, script) -> study "reproduce" script options
        | None when name = all -> runAll options
        | None when name.EndsWith(".fsx", StringComparison.OrdinalIgnoreCase) -> study "reproduce" name options
        | None ->
            let names = (known |> List.map fst) @ [ all ]
            let list = String.concat ", " names
            CommandLine.complain "reproduce" $"there is no study {name}{CommandLine.hint names name}; there are: {list}"

    let verb = Verb.forwarded StudyCommand.reproduce help run
