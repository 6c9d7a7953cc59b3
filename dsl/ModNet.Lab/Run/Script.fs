namespace ModNet

open System.CommandLine
open ModNet.Runtime

/// A script's own command line: options it declares, read as they are declared, beside those that every script has.
/// Made from `fsi.CommandLineArgs`; ended by `Run`.
/// Example: `let script = Script fsi.CommandLineArgs`
type Script(arguments: string array) =

    let own = ResizeArray<Option>()

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
    member _.Data(otherwise: string) : string = defaultArg (settings ()).Data otherwise

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

    /// Checks the experiment and does what the command line asks: `check` or `train`. Ends the process: exit code 0, or 1
    /// for a mistake in the experiment or its data, or 2 for one on the command line.
    member _.Run(experiment: Experiment) : unit =
        let parsed = parse ()

        if parsed.Action :? Help.HelpAction then exit (parsed.Invoke())

        stopOnMistakes parsed (fun _ -> true)
        let settings = settings ()

        guarded (fun () ->
            let experiment = Settings.apply settings experiment
            let summary = Check.experiment experiment |> Refusal.orRaise

            if verb = "check" then
                printfn $"{summary}"

                CommandLine.drawing parsed |> Option.iter (DrawingFile.write experiment.Network)
            else
                Train.run settings experiment |> ignore)

        exit CommandLine.Exit.ok

/// The end of a script that has no options of its own.
[<RequireQualifiedAccess>]
module Program =

    /// Example: `run |> Program.main fsi.CommandLineArgs`
    let main (arguments: string array) (experiment: Experiment) : unit = Script(arguments).Run experiment
