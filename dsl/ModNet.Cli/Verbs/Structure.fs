namespace ModNet.Cli.Verbs

open System
open System.CommandLine
open System.IO
open ModNet
open ModNet.Cli
open ModNet.Runtime

/// `./modnet structure RUN`: communities of a trained network's units or modules, in the terminal and as a page.
[<RequireQualifiedAccess>]
module Structure =

    let private help = "Show which units or modules of a trained network belong together."

    let private kinds = [ "activity"; "weights"; "routing" ]

    let private of' =
        Option<string>(
            "--of",
            Description =
                "activity: units that are active together; weights: units of linear layers; routing: modules on the same paths; else routing where there are pools, and activity where there are none",
            HelpName = "GRAPH"
        )

    let private layers =
        Option<string>(
            "--layers",
            Description = "the layers whose units are compared, with commas; else all",
            HelpName = "L,L"
        )

    let private datapoints =
        Option<int>(
            "--datapoints",
            Description = "how many datapoints are looked at, at most",
            HelpName = "N",
            DefaultValueFactory = fun _ -> 1_000
        )

    let private least =
        Option<Nullable<float>>(
            "--least",
            Description = "leave out weaker links; else 2/√N for activity over N datapoints, and 0 for weights",
            HelpName = "X"
        )

    let private graphs =
        Option<int>(
            "--graphs",
            Description = "how many random graphs of the same degrees are compared",
            HelpName = "N",
            DefaultValueFactory = fun _ -> 50
        )

    let private blocks =
        Option<Nullable<int>>(
            "--blocks",
            Description = "find so many blocks, too: nodes that link to the same nodes",
            HelpName = "N"
        )

    let private lesions = Option<bool>("--lesions", Description = "measure what is lost without each module or unit")

    let private out =
        Option<string>(
            "--out",
            Description =
                "the page to write, and beside it its numbers as .json; else structure.html in the run's folder",
            HelpName = "FILE"
        )

    let private asked (parsed: ParseResult) (network: TrainedNetwork) : StructureOf =
        let many = parsed.GetValue datapoints
        if many < 2 then raise (UserException("--datapoints", "at least 2", string many, "leave it out for 1,000"))
        let least = parsed.GetValue least |> Option.ofNullable

        let layers =
            parsed.GetValue layers
            |> Option.ofObj
            |> Option.map (fun names -> names.Split(',', StringSplitOptions.TrimEntries) |> List.ofArray)

        let refuse (option: string) (graph: string) =
            raise (UserException(option, "activity as the graph", graph, $"leave {option} out, or say --of activity"))

        match parsed.GetValue of' |> Option.ofObj, layers, StructureReport.usual many network with
        | Some "activity", _, _
        | None, Some _, _
        | None, _, StructureOf.Activity _ -> StructureReport.activity layers many least network
        | Some "weights", Some _, _ -> refuse "--layers" "weights"
        | Some "weights", None, _ -> StructureOf.Weights(defaultArg least 0.0)
        | Some "routing", Some _, _ -> refuse "--layers" "routing"
        | Some "routing", _, _
        | None, _, _ when least.IsSome -> refuse "--least" "routing"
        | Some "routing", _, _
        | None, _, _ -> StructureOf.Routing
        | Some other, _, _ ->
            let known = String.concat ", " kinds
            raise (UserException("--of", $"one of {known}", other, $"say one of them{CommandLine.hint kinds other}"))

    /// Raises UserException unless a page can be written there and, beside it, its numbers.
    let private demandRoom (page: string) =
        NamedFile.demandPage page

        if not (File.Exists page) then
            let numbers = Path.ChangeExtension(page, ".json")

            if Path.Exists numbers then
                raise (
                    UserException(
                        numbers,
                        "no such file, for the numbers of the page",
                        "one that is there already",
                        "give another name with --out"
                    )
                )

    let private show (parsed: ParseResult) : int =
        let folder = parsed.GetValue RunToUse.run
        let named = parsed.GetValue out |> Option.ofObj
        Option.iter demandRoom named
        let page = named |> Option.defaultValue (Path.Combine(folder, "structure.html"))
        use network = RunToUse.load parsed
        let lesioned = if parsed.GetValue lesions then Some(parsed.GetValue datapoints) else None

        let report =
            network
            |> StructureReport.make
                folder
                (asked parsed network)
                (parsed.GetValue graphs)
                (parsed.GetValue blocks |> Option.ofNullable)
                lesioned

        StructureReport.lines report |> List.iter (printfn "%s")

        RunToUse.writing page (fun () -> StructureReport.write page report)

        printfn $"\npage: {page}"
        CommandLine.Exit.ok

    let verb =
        Verb.create
            "structure"
            help
            [ RunToUse.run ]
            [ of'; layers; datapoints; least; graphs; blocks; lesions; out; RunToUse.best; RunToUse.device ]
            (Action.Parsed show)
