namespace ModNet.Cli.Verbs

open System
open System.CommandLine
open System.IO
open ModNet
open ModNet.Cli
open ModNet.Runtime

/// `./modnet notebook`: a notebook from a literate script.
[<RequireQualifiedAccess>]
module Notebook =

    let private help = "Run a literate script, and keep what it prints and shows as a notebook."

    let private script = Argument<string>("SCRIPT", Description = "an .fsx file with Markdown in blocks (** … *)")

    let private out =
        Option<string>(
            "--out",
            Description = "the notebook; else SCRIPT with .ipynb in place of .fsx",
            HelpName = "FILE"
        )

    /// Runs the script and writes its notebook whole; nothing is written where the script fails. Raises UserException for
    /// what the user can mend.
    let private run (parsed: ParseResult) : int =
        let script = parsed.GetValue script

        let path =
            parsed.GetValue out |> Option.ofObj |> Option.defaultWith (fun () -> Path.ChangeExtension(script, ".ipynb"))

        NamedFile.demand "--out" [ ".ipynb" ] [ NamedFile.markOfNotebook ] path

        try
            let notebook = NotebookMaker.make script
            WholeFile.Write(path, notebook)
            printfn $"{path}"
            CommandLine.Exit.ok
        with :? OperationCanceledException ->
            CommandLine.Exit.stopped

    let verb = Verb.create "notebook" help [ script ] [ out ] (Action.Parsed run)
