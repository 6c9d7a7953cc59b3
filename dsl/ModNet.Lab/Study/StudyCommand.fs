namespace ModNet

open System
open System.CommandLine
open System.CommandLine.Help

/// What the command line says about carrying a study out.
type StudyOptions = {
    Data: string option
    /// Rows by their ids; None takes all.
    Only: string list option
    /// None takes each row's own seeds.
    Seeds: int list option
    Scale: Scale
    /// Where the studies' folders lie.
    Out: string
    Threads: int option
    Device: string option
    /// Whether to write the report's figures as PNG files, too.
    Png: bool
    /// Where the runs are to be done by an array of jobs.
    Slurm: SlurmRequest option
    /// The command as the user gave it, for the record.
    Command: string
}

/// The command `reproduce`, and `check` of a study.
[<RequireQualifiedAccess>]
module StudyCommand =

    let private seeds =
        let option =
            Option<string>(
                "--seeds",
                Description = "a run for each of these seeds; else what each row says",
                HelpName = "1,2,3"
            )

        option.Validators.Add(fun result ->
            let text = result.GetValueOrDefault<string>()

            if not (isNull text) then
                for word in text.Split ',' do
                    match Int32.TryParse(word.Trim()) with
                    | true, seed when seed >= 0 -> ()
                    | _ -> result.AddError $"--seeds: expected whole numbers with commas between, got {text}")

        option

    let private rows = Option<string>("--rows", Description = "only these rows; else all", HelpName = "ID,ID")

    let private quick = Option<bool>("--quick", Description = "a version of minutes, labelled so everywhere")

    let private png =
        Option<bool>(
            "--png",
            Description =
                $"the figures as PNG files beside the report, too: needs Chromium on the PATH, or {Browser.variable}=its path"
        )

    let private out =
        Option<string>(
            "--out",
            Description = "the folder of all studies' runs; else runs/reproduce",
            HelpName = "DIR",
            DefaultValueFactory = fun _ -> "runs/reproduce"
        )

    let private command (verb: string) (help: string) (options: Option list) =
        let command = Command(verb, help)

        command.Arguments.Add(
            Argument<string>(
                "NAME",
                Description = "a figure or table, or `all`; or a script of one's own that declares a study"
            )
        )

        List.iter command.Options.Add options
        command.Options.Add(HelpOption())
        command

    /// `reproduce NAME`.
    let reproduce: Command =
        command "reproduce" "Run what a figure or table of the paper needs, and put it beside the paper's." [
            CommandLine.data
            seeds
            rows
            quick
            png
            out
            CommandLine.threads
            CommandLine.device
            CommandLine.slurm
            CommandLine.tasks
        ]

    /// `check NAME`: it shows every row's summary and runs nothing.
    let check: Command =
        command "check" "Show what a study's rows declare, or all their mistakes; nothing is run." [ rows; quick ]

    let private list (parse: string -> 'Item) (text: string) =
        text
        |> Option.ofObj
        |> Option.map (fun text -> text.Split ',' |> Seq.map (_.Trim() >> parse) |> Seq.distinct |> Seq.toList)

    /// The options of a parsed command.
    let options (parsed: ParseResult) (command: string) : StudyOptions = {
        Data = parsed.GetValue CommandLine.data |> Option.ofObj
        Only = parsed.GetValue rows |> list id
        Seeds = parsed.GetValue seeds |> list int
        Scale = if parsed.GetValue quick then Scale.Quick else Scale.Full
        Out = parsed.GetValue out
        Png = parsed.GetValue png
        Threads = parsed.GetValue CommandLine.threads |> Option.ofNullable
        Device = parsed.GetValue CommandLine.device |> Option.ofObj
        Slurm = None
        Command = command
    }
