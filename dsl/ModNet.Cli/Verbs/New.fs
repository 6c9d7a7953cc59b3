namespace ModNet.Cli.Verbs

open System.CommandLine
open System.IO
open System.Text.RegularExpressions
open ModNet
open ModNet.Cli
open ModNet.Runtime

/// `./modnet new NAME`: a first script that trains, or a project outside the clone.
[<RequireQualifiedAccess>]
module New =

    let private help = "Write a first script that trains, about your data or its own, or a project on the packages."

    let private name =
        Argument<string>("NAME", Description = "the script to write, as mine or mine.fsx, or the project's folder")

    let private data =
        Option<string>(
            "--data",
            Description =
                "write a script about these data: a CSV or Parquet file, a text, or a folder with MNIST, CIFAR-10 or a text",
            HelpName = "PATH"
        )

    let private target =
        Option<string>(
            "--target",
            Description = "the column of a CSV or Parquet file to predict; else the last",
            HelpName = "COLUMN"
        )

    let private project = Option<bool>("--project", Description = "write a project outside the clone, with a test")

    let private language =
        let language =
            Option<string>(
                "--language",
                Description = "of a project: fsharp or csharp; else fsharp",
                HelpName = "LANGUAGE"
            )

        language.AcceptOnlyFromAmong("fsharp", "csharp") |> ignore
        language

    let private demandName (path: string) (isProject: bool) =
        let name = if isProject then Path.GetFileName path else Path.GetFileNameWithoutExtension path

        if not (Regex.IsMatch(name, @"^[A-Za-z][A-Za-z0-9_-]*$")) then
            raise (
                UserException(
                    "NAME",
                    "a letter, then letters, digits, - and _",
                    (if name = "" then "nothing" else name),
                    "give another name"
                )
            )

    let private demandFree (path: string) =
        if File.Exists path || Directory.Exists path then
            raise (
                UserException(
                    path,
                    "a path where nothing lies",
                    "one that is taken",
                    "give another name, or move what is there"
                )
            )

    let private writing (path: string) (action: unit -> unit) =
        try
            action ()
        with
        | :? IOException
        | :? System.UnauthorizedAccessException as refused ->
            raise (UserException(path, "a place that can be written", refused.Message, "give another path"))

    let private newScript (path: string) (parsed: ParseResult) =
        demandFree path

        let text =
            FirstScript.write path (parsed.GetValue data |> Option.ofObj) (parsed.GetValue target |> Option.ofObj)

        writing path (fun () ->
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath path)) |> ignore
            WholeFile.Write(path, text))

        printfn $"wrote {path}"
        printfn "next:"
        printfn $"  {CloneFolder.command} check {path}"
        printfn $"  {CloneFolder.command} train {path}"

    let private newProject (path: string) (isCSharp: bool) =
        demandFree path
        writing path (fun () -> NewProject.write (Path.GetFullPath path) isCSharp)
        printfn $"wrote {path}"
        printfn "next:"
        printfn $"  cd {path}"

        for command in NewProject.commands isCSharp do
            printfn $"  {command}"

    let private run (parsed: ParseResult) : int =
        let path = Path.TrimEndingDirectorySeparator(parsed.GetValue name)
        let isProject = parsed.GetValue project
        let isGiven (option: Option) = not (isNull (parsed.GetResult option))

        demandName path isProject

        match
            [
                for option in [ data :> Option; target ] do
                    if isProject && isGiven option then option.Name
            ]
        with
        | option :: _ -> CommandLine.complain "new" $"{option}: a project draws its own data"
        | [] when not isProject && isGiven language ->
            CommandLine.complain "new" "--language: a script is in F#; say --project for a project"
        | [] ->
            if isProject then
                newProject path (parsed.GetValue language = "csharp")
            else
                newScript (if path.EndsWith ".fsx" then path else path + ".fsx") parsed

            CommandLine.Exit.ok

    let verb = Verb.create "new" help [ name ] [ data; target; project; language ] (Action.Parsed run)
