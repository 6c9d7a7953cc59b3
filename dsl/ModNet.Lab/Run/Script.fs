namespace ModNet

open System
open System.CommandLine
open System.IO
open ModNet.Runtime

/// A script's own command line: options it declares, read as they are declared, beside those that every script has.
/// Made from `fsi.CommandLineArgs`; ended by `Run`, `RunAll` or `RunSweep`.
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

    // From here on, a rank that cannot go on ends all.
    do if verb = "train" then Crew.join () |> ignore

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
            Crew.complain mistake
            exit CommandLine.Exit.failure

    let settings () = CommandLine.settings (parse ())

    /// The settings of the command line, and the file that a drawing goes to, once nothing on the command line is a mistake for these experiments.
    let obeyed (experiments: Experiment list) (isSweep: bool) : Settings * string option =
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

        if settings.Jobs.IsSome && not isSweep then
            stopOn "--jobs: this script declares no sweep, whose runs are trained side by side"

        if settings.Slurm.IsSome && not isSweep then
            stopOn "--slurm: this script declares no sweep, whose runs the tasks of an array share out"

        if settings.Slurm.IsSome && settings.Jobs.IsSome then
            stopOn "--jobs: with --slurm a task trains one run after the other; --tasks says how many tasks"

        let drawing = CommandLine.drawing parsed

        if drawing.IsSome && experiments.Length > 1 then
            stopOn $"--draw: draws one network, and this script declares {experiments.Length} experiments"

        drawing
        |> Option.iter (fun path ->
            guarded (fun () -> NamedFile.demand "--draw" DrawingFile.endings DrawingFile.marks path))

        settings, drawing

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
    /// on from window to window, and with `characters` the tokens are characters.
    /// Example: `let data, vocabulary = script.Text(35, 10_000)`
    member _.Text(window: int, otherwise: int, ?carryState: bool, ?characters: bool) : Data * int =
        let settings = settings ()

        let text: TextData = {
            Path = defaultArg settings.Data ""
            Window = window
            Vocabulary = settings.Vocabulary
            CarryState = defaultArg carryState false
            Characters = defaultArg characters false
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
        let settings, drawing = obeyed experiments false

        let applied (experiment: Experiment) =
            let experiment' = Settings.apply settings experiment

            match settings.Out with
            | Some folder when experiments.Length > 1 -> {
                experiment' with
                    Out = Some(Path.Combine(folder, Path.GetFileName(Train.folder experiment)))
              }
            | _ -> experiment'

        let all () =
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
                            printfn $"experiment {number + 1} of {sound.Length}: {Train.folder experiment.Experiment}"

                        let outcome = Train.run settings experiment

                        if not outcome.Finished then exit CommandLine.Exit.stopped))

        // A process that a sweep has started is there for the sweep alone.
        if (Host.sweepToServe ()).IsNone then guarded all

    /// Does the same for a single experiment.
    /// Example: `script.Run run`
    member script.Run(experiment: Experiment) : unit = script.RunAll [ experiment ]

    /// Checks the experiments of a sweep, and then does what the command line asks: `check`, or `train`, which trains them side by side and shows a
    /// table at the end. `--out DIR` means the folder that has theirs. Ends the process where something goes wrong, as `RunAll` does; a run
    /// that cannot be done does not hold up the others.
    /// Example: `script.RunSweep (sweep "seeds" [ for chance in 1..3 -> { run with Seed = chance } ])`
    member _.RunSweep(sweep: Sweep) : unit =
        let settings, drawing = obeyed sweep.Experiments true

        let check (plan: SweepPlan) =
            let groups =
                SweepPlan.mustBeSound plan
                |> List.groupBy (fun (_, sound) -> sound.Experiment.Network, sound.Experiment.Data)

            // What several have in common is read and told once.
            for _, group in groups do
                let first = snd group.Head
                let names = group |> List.map (fun (run, _) -> run.Name)
                printfn "%s" (String.Join(", ", names))
                printfn $"{Declared.all first (Train.folder first.Experiment) settings.Data.IsSome}"
                printfn ""
                drawing |> Option.iter (DrawingFile.write first.Experiment.Network)

            printfn $"sweep {plan.Name}: {plan.Runs.Length} runs in {plan.Home}"
            SweepTable.settings plan |> List.iter (printfn "%s")
            CommandLine.Exit.ok

        let all (worker: (string * int) option) =
            Host.serve (fun () ->
                let applied = sweep.Experiments |> List.map (Settings.apply { settings with Out = None })
                let plan = SweepPlan.make sweep.Name settings.Out applied
                plan.Runs |> List.map _.Folder |> Host.demandFoldersOfTheirOwn

                match worker with
                | Some(_, threads) -> exit (SweepRunner.asWorker plan settings threads)
                | None -> if verb = "check" then check plan else SweepRunner.run plan settings)

        match Host.sweepToServe () with
        | Some(name, _) when name <> sweep.Name -> ()
        | worker ->
            let code = guarded (fun () -> all worker)
            if code <> CommandLine.Exit.ok then exit code

/// The end of a script that has no options of its own.
[<RequireQualifiedAccess>]
module Program =

    /// Checks the experiment and does what the command line asks: `check` or `train`. A script may call it several times.
    /// Example: `run |> Program.main fsi.CommandLineArgs`
    let main (arguments: string array) (experiment: Experiment) : unit = Script(arguments).Run experiment

    /// The same for several experiments, all of which are checked before the first is trained.
    /// Example: `Program.all fsi.CommandLineArgs [ run; { run with Seed = 2; Out = Some "runs/second" } ]`
    let all (arguments: string array) (experiments: Experiment list) : unit = Script(arguments).RunAll experiments

    /// The same for a sweep, whose experiments are trained side by side.
    /// Example: `sweep "seeds" [ for chance in 1..3 -> { run with Seed = chance } ] |> Program.sweep fsi.CommandLineArgs`
    let sweep (arguments: string array) (sweep: Sweep) : unit = Script(arguments).RunSweep sweep
