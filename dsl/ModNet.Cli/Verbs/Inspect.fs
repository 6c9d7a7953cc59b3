namespace ModNet.Cli.Verbs

open System
open System.CommandLine
open System.IO
open ModNet
open ModNet.Cli
open ModNet.Runtime

/// `./modnet inspect RUN`: what was routed where, in tables and as a page.
[<RequireQualifiedAccess>]
module Inspect =

    let private help = "Show what a run routed where: load, classes or words, paths, contexts, datapoints."

    let private run = Argument<string>("RUN", Description = "a run's folder, or a routing trace (.safetensors)")

    let private out =
        Option<string>(
            "--out",
            Description = "the page to write; else inspect.html in the run's folder",
            HelpName = "FILE"
        )

    let private layer = Option<string>("--layer", Description = "one modular layer; else all", HelpName = "L")

    let private datapoint =
        Option<Nullable<int64>>(
            "--datapoint",
            Description = "print one datapoint, by its number in the set, and write nothing",
            HelpName = "N"
        )

    let private top =
        Option<int>(
            "--top",
            Description = "how many paths, and words of each module, are told one by one",
            HelpName = "N",
            DefaultValueFactory = fun _ -> 7
        )

    /// Why an option is of no use, where one is.
    let private idle (parsed: ParseResult) : string option =
        if not (parsed.GetValue datapoint).HasValue then None
        elif not (isNull (parsed.GetValue out)) then Some "--out: one datapoint is printed, and no page is written"
        elif not (parsed.GetResult top).Implicit then Some "--top: one datapoint has no list of the most frequent"
        else None

    /// Prints the tables and writes the page. Raises UserException for what a user can mend.
    let private shown (parsed: ParseResult) : int =
        let path = parsed.GetValue run
        let named = parsed.GetValue out |> Option.ofObj
        Option.iter NamedFile.demandPage named
        let trace = Trace.load path
        let count = parsed.GetValue top

        if count < 1 then raise (UserException("--top", "at least 1", string count, "leave it out for 7"))

        let options: RoutingReport.Options = { Layer = parsed.GetValue layer |> Option.ofObj; Top = count }

        match Option.ofNullable (parsed.GetValue datapoint) with
        | Some number -> InspectText.ofDatapoint number options trace |> List.iter (printfn "%s")
        | None ->
            InspectText.ofTrace options trace |> List.iter (printfn "%s")

            let folder = if Directory.Exists path then path else Path.GetDirectoryName(Path.GetFullPath path)

            let page = named |> Option.defaultValue (Path.Combine(folder, "inspect.html"))

            RunToUse.writing page (fun () ->
                RoutingReport.page $"{DirectoryInfo(folder).Name}: what was routed where" options trace
                |> Report.write page)

            printfn $"\npage: {page}"

        CommandLine.Exit.ok

    let private inspect (parsed: ParseResult) : int =
        match idle parsed with
        | Some reason -> CommandLine.complain "inspect" reason
        | None -> shown parsed

    let verb = Verb.create "inspect" help [ run ] [ out; layer; datapoint; top ] (Action.Parsed inspect)
