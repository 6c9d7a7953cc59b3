namespace ModNet

open System.CommandLine
open System.IO
open ModNet.Runtime

/// A script's own command line: options it declares, read as they are declared, beside those that every script has.
/// Made from `fsi.CommandLineArgs`; ended by `Run` or `RunAll`.
/// Example: `let script = Script fsi.CommandLineArgs`
type Script(arguments: string array) =

    let own = ResizeArray<Option>()
    let mutable dataWereRead = false

    // The script's name goes behind the verb, as on the command line of ./modnet.
    let words =
        match List.ofArray arguments with
        | script :: (("train" | "check") as verb) :: rest -> verb :: script :: rest
        | script :: rest -> "train" :: script :: rest
        | [] -> [ "train" ]

    let verb = words.Head

    let parse () =
        let verbs = [ CommandLine.train own; CommandLine.check own ]
        (CommandLine.modnet verbs).Parse words

    let stopOnMistakes (parsed: ParseResult) (relevant: Parsing.ParseError -> bool) =
        let mistakes = parsed.Errors |> Seq.filter relevant |> Seq.toList

        if not mistakes.IsEmpty then exit (CommandLine.complainOf $"{verb} {arguments[0]}" parsed mistakes)

    let guarded (action: unit -> 'Result) : 'Result =
        try
            action ()
        with :? UserException as mistake ->
            eprintfn $"{mistake.Message}"
            exit CommandLine.Exit.failure

    let settings () = CommandLine.settings (parse ())

    /// A whole number that the command line may set.
    /// Example: `let modules = script.Int("modules", 5, "modules in the pool (M)")`
    member _.Int(option: string, otherwise: int, help: string) : int =
        let declared = Option<int>($"--{option}", Description = help, HelpName = "N")

        declared.DefaultValueFactory <- fun _ -> otherwise
        own.Add declared
        let parsed = parse ()
        let result = parsed.GetResult declared

        if not (isNull result) then stopOnMistakes parsed (fun e -> obj.ReferenceEquals(e.SymbolResult, result))

        parsed.GetValue declared

    /// The path that `--data` names, else `otherwise`: for a script that looks at the file itself. (What an experiment says of its data
    /// gives way to `--data` in any case.)
    /// Example: `let path = script.Data "data/iris.csv"`
    member _.Data(otherwise: string) : string =
        dataWereRead <- true
        defaultArg (settings ()).Data otherwise

    /// The text that `--data` names (limited by `--vocab`), in windows of so many words, and its vocabulary's size. Where
    /// no data are named, as `check` allows, the size is what `--vocab` says, or `otherwise`. With `carryState` recurrent layers go
    /// on from window to window.
    /// Example: `let data, vocabulary = script.Text(35, 10_000)`
    member _.Text(window: int, otherwise: int, ?carryState: bool) : Data * int =
        let settings = settings ()

        let text: TextData = {
            Path = defaultArg settings.Data ""
            Window = window
            Vocabulary = settings.Vocabulary
            CarryState = defaultArg carryState false
        }

        let vocabulary =
            match settings.Data with
            | Some _ -> guarded (fun () -> (Source.corpus text).Vocabulary.Size)
            | None -> defaultArg settings.Vocabulary otherwise

        Data.Text text, vocabulary

    /// Checks all the experiments, and then does for each what the command line asks: `check` or `train`. With several of them, `--out DIR` means
    /// the folder that has theirs, by name. Ends the process where something goes wrong: with exit code 1 for a mistake in an experiment or its
    /// data, 2 for one on the command line, and 130 where training was stopped.
    /// Example: `script.RunAll [ run; { run with Seed = 2; Out = Some "runs/second" } ]`
    member _.RunAll(experiments: Experiment list) : unit =
        let parsed = parse ()

        if parsed.Action :? Help.HelpAction then
            Host.declare ()
            exit (parsed.Invoke())

        stopOnMistakes parsed (fun _ -> true)
        let settings = settings ()

        let stopOn (mistake: string) = exit (CommandLine.complain $"{verb} {arguments[0]}" mistake)

        // An option counts as used where at least one experiment has a use for it, or the script read it itself.
        let idle = experiments |> List.map (Settings.idle settings >> Set.ofList)

        if not idle.IsEmpty then
            for option, reason in Set.intersectMany idle do
                if not (option = "--data" && dataWereRead) then stopOn $"{option}: {reason}"

        let drawing = CommandLine.drawing parsed

        if drawing.IsSome && experiments.Length > 1 then
            stopOn $"--draw: draws one network, and this script declares {experiments.Length} experiments"

        let applied (experiment: Experiment) =
            let experiment' = Settings.apply settings experiment

            match settings.Out with
            | Some folder when experiments.Length > 1 -> {
                experiment' with
                    Out = Some(Path.Combine(folder, Path.GetFileName(Train.folder experiment)))
              }
            | _ -> experiment'

        guarded (fun () ->
            Host.serve (fun () ->
                let sound = experiments |> List.map (applied >> Check.experiment >> Refusal.orRaise)
                sound |> List.map (_.Experiment >> Train.folder) |> Host.demandFoldersOfTheirOwn

                sound
                |> List.iteri (fun number experiment ->
                    if verb = "check" then
                        let folder = Train.folder experiment.Experiment
                        printfn $"{Declared.all experiment folder settings.Data.IsSome}"
                        drawing |> Option.iter (DrawingFile.write experiment.Experiment.Network)
                    else
                        if sound.Length > 1 then
                            printfn
                                $"experiment {number + 1} of {sound.Length}: {Train.folder experiment.Experiment}"

                        let outcome = Train.run settings experiment

                        if not outcome.Finished then exit CommandLine.Exit.stopped)))

    /// Does the same for a single experiment.
    /// Example: `script.Run run`
    member script.Run(experiment: Experiment) : unit = script.RunAll [ experiment ]

/// The end of a script that has no options of its own.
[<RequireQualifiedAccess>]
module Program =

    /// Checks the experiment and does what the command line asks: `check` or `train`. A script may call it several times.
    /// Example: `run |> Program.main fsi.CommandLineArgs`
    let main (arguments: string array) (experiment: Experiment) : unit = Script(arguments).Run experiment

    /// The same for several experiments, all of which are checked before the first is trained.
    /// Example: `Program.all fsi.CommandLineArgs [ run; { run with Seed = 2; Out = Some "runs/second" } ]`
    let all (arguments: string array) (experiments: Experiment list) : unit = Script(arguments).RunAll experiments
