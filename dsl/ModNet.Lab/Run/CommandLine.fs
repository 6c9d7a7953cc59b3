namespace ModNet

open System
open System.CommandLine
open System.CommandLine.Help
open System.Text.RegularExpressions
open ModNet.Runtime

/// The options that every script has, and how the words of a command become settings. Usage errors end in exit code 2.
[<RequireQualifiedAccess>]
module CommandLine =

    /// Exit codes: 0 for success, 1 for what could not be done, 2 for a mistake on the command line, and 130 for what was stopped: 128 and the
    /// number of SIGINT, as shells have it.
    [<RequireQualifiedAccess>]
    module Exit =
        let ok = 0
        let failure = 1
        let usage = 2
        let stopped = 130

    let private option<'T> (name: string) (help: string) (value: string) =
        Option<'T>(name, Description = help, HelpName = value)

    let internal data = option<string> "--data" "the data: a directory or a file" "PATH"

    let private vocabulary =
        option<Nullable<int>> "--vocab" "the most frequent N words, or characters, of a text; else all" "N"

    let private steps = option<Nullable<int>> "--steps" "gradient steps in all" "N"

    let private epochs =
        let epochs = option<Nullable<int>> "--epochs" "passes through the training data, in place of --steps" "N"

        epochs.Validators.Add(fun result ->
            if not (isNull (result.GetResult steps)) then
                result.AddError
                    "--epochs: expected the length by --steps or by --epochs, got both – leave one of them out")

        epochs

    let private patience =
        option<Nullable<int>> "--patience" "end after N evaluations without improvement of the validation set" "N"

    let private seed = option<Nullable<int>> "--seed" "the number that all chance comes from" "N"

    let private shards = option<Nullable<int>> "--shards" "cut every minibatch into N shards, which ranks share" "N"

    let private out = option<string> "--out" "the run's folder; else runs/NAME" "DIR"

    let private logEvery = option<Nullable<int>> "--log-every" "a line of metrics every N steps" "N"

    let private validateEvery = option<Nullable<int>> "--validate-every" "evaluation every N steps" "N"

    let private checkpointEvery =
        option<Nullable<int>> "--checkpoint-every" "a checkpoint every N steps; else with every evaluation" "N"

    let private traceEvery =
        option<Nullable<int>> "--trace-every" "a routing trace of training data every N steps; else at the end only" "N"

    let internal threads =
        option<Nullable<int>> "--threads" "threads to use; else all cores, or one where steps are small" "N"

    let private jobs =
        let jobs =
            option<Nullable<int>> "--jobs" "of a sweep: so many runs side by side; else as many as there are cores" "N"

        jobs.Validators.Add(fun result ->
            let count = result.GetValueOrDefault<Nullable<int>>()

            if count.HasValue && count.Value < 1 then result.AddError $"--jobs: expected at least 1, got {count.Value}")

        jobs

    let internal slurm =
        let slurm =
            Option<string>(
                "--slurm",
                Description = "submit an array of jobs to Slurm that share out the runs, with these options of sbatch",
                HelpName = "\"OPTIONS\"",
                Arity = ArgumentArity.ZeroOrOne
            )

        slurm.Validators.Add(fun result ->
            let options = result.GetValueOrDefault<string>()

            if not (isNull options) then
                if options.Contains '\n' then
                    result.AddError "--slurm: expected options of sbatch on one line, got several lines"
                elif options <> "" && not (options.StartsWith '-') then
                    result.AddError
                        $"--slurm: expected options of sbatch in quotes, such as \"--partition=short --time=02:00:00\", got {options}")

        slurm

    let internal tasks =
        let tasks =
            option<Nullable<int>> "--tasks" "of --slurm: so many tasks at a time; else as the cluster has it" "N"

        tasks.Validators.Add(fun result ->
            let count = result.GetValueOrDefault<Nullable<int>>()

            if isNull (result.GetResult slurm) then
                result.AddError "--tasks: expected --slurm with it, whose tasks it counts, got none"
            elif count.HasValue && count.Value < 1 then
                result.AddError $"--tasks: expected at least 1, got {count.Value}")

        tasks

    /// What a parsed command asks of Slurm; None where it does not. The script is that of the command, unless it is another one.
    let internal slurmRequest (parsed: ParseResult) (script: string option) : SlurmRequest option =
        match isNull (parsed.GetResult slurm), parsed.Tokens |> Seq.map _.Value |> Seq.toList with
        | false, verb :: said :: rest ->
            let options = parsed.GetValue slurm |> Option.ofObj |> Option.defaultValue ""

            Some {
                Options = options
                Tasks = parsed.GetValue tasks |> Option.ofNullable
                Words = verb :: IO.Path.GetFullPath(defaultArg script said) :: SlurmArray.without options rest
            }
        | _ -> None

    let internal device = option<string> "--device" "auto, cpu, cuda or cuda:N; else what the script says" "DEVICE"

    let private resume =
        Option<bool>(
            "--resume",
            Description = "go on from the checkpoint in the run's folder; starts anew where there is none"
        )

    let private overwrite =
        Option<bool>(
            "--overwrite",
            Description = "replace an earlier run in the run's folder; else its files are moved into a folder beside it"
        )

    let private tensorBoard =
        Option<bool>(
            "--tensorboard",
            Description = "write the log for TensorBoard, too: tensorboard/ in the run's folder"
        )

    let private draw =
        let draw = option<string> "--draw" "write a drawing of the network: .svg, or .mmd for Mermaid" "FILE"

        draw.Validators.Add(fun result ->
            let path = result.GetValueOrDefault<string>()

            if not (DrawingFile.isKnown path) then
                result.AddError $"--draw: expected a file name that ends in .svg or .mmd, got {path}")

        draw

    /// The options of a training run, whatever its data.
    let training: Option list = [
        steps
        epochs
        patience
        seed
        shards
        out
        logEvery
        validateEvery
        checkpointEvery
        traceEvery
        threads
        device
        resume
        overwrite
        tensorBoard
    ]

    let private common: Option list = [ data; vocabulary ] @ training @ [ jobs; slurm; tasks ]

    let private verb (name: string) (options: Option seq) =
        let command = Command(name, "A script's own options stand first, then those that every script has.")
        command.Arguments.Add(Argument<string>("SCRIPT", Description = "an .fsx file that declares an experiment"))
        Seq.iter command.Options.Add options
        command.Options.Add(HelpOption())
        command

    /// `train SCRIPT`, with the common options and a script's own.
    let train (own: Option seq) = verb "train" (Seq.append own common)

    /// `check SCRIPT`, with the same options: it shows what would be trained, and trains nothing.
    let check (own: Option seq) = verb "check" (Seq.concat [ own; common; [ draw ] ])

    /// The file that the drawing goes to, where one is asked for.
    let drawing (parsed: ParseResult) : string option =
        if parsed.CommandResult.Command.Options.Contains draw then parsed.GetValue draw |> Option.ofObj else None

    /// The settings of a parsed command of ./modnet.
    let settings (parsed: ParseResult) : Settings = {
        Data = parsed.GetValue data |> Option.ofObj
        Vocabulary = parsed.GetValue vocabulary |> Option.ofNullable
        Steps = parsed.GetValue steps |> Option.ofNullable
        Epochs = parsed.GetValue epochs |> Option.ofNullable
        Patience = parsed.GetValue patience |> Option.ofNullable
        Seed = parsed.GetValue seed |> Option.ofNullable
        Shards = parsed.GetValue shards |> Option.ofNullable
        Out = parsed.GetValue out |> Option.ofObj
        LogEvery = parsed.GetValue logEvery |> Option.ofNullable
        ValidateEvery = parsed.GetValue validateEvery |> Option.ofNullable
        CheckpointEvery = parsed.GetValue checkpointEvery |> Option.ofNullable
        TraceEvery = parsed.GetValue traceEvery |> Option.ofNullable
        Threads = parsed.GetValue threads |> Option.ofNullable
        Jobs = parsed.GetValue jobs |> Option.ofNullable
        Slurm = slurmRequest parsed None
        Device = parsed.GetValue device |> Option.ofObj
        Resume = parsed.GetValue resume
        Overwrite = parsed.GetValue overwrite
        TensorBoard = parsed.GetValue tensorBoard
        Command = parsed.Tokens |> Seq.map _.Value |> Seq.append [ "./modnet" ] |> String.concat " "
    }

    /// The version of ModNet, and the commit that it was built from.
    let version: string = Train.version.Replace("+", ", commit ")

    /// The command `modnet` with these verbs.
    let modnet (verbs: Command list) =
        let root = Command("modnet", "A research toolkit for modular networks, trained by generalised Viterbi EM.")

        root.Options.Add(HelpOption())
        List.iter root.Subcommands.Add verbs
        root

    /// A hint at the word of `known` that the user probably meant; empty where none is near.
    let hint (known: string seq) (word: string) =
        match NearWord.Find(known, word) with
        | null -> ""
        | near -> $" – did you mean {near}?"

    let private unknown = Regex "^Unrecognized command or argument '(.*)'"

    let private noNumber = Regex "^Cannot parse argument '(.*)' for option '(.*)' as expected type '.*Int32.*'"

    let private plain (known: string seq) (message: string) =
        let isUnknown, isNoNumber = unknown.Match message, noNumber.Match message

        if isUnknown.Success then
            let word = isUnknown.Groups[1].Value
            $"there is no {word} here{hint known word}"
        elif isNoNumber.Success then
            $"{isNoNumber.Groups[2].Value}: expected a whole number, got {isNoNumber.Groups[1].Value}"
        else
            message

    /// Prints what is wrong with a command (`verb` as the user wrote it), and how to get help. Gives the exit code.
    let complain (verb: string) (message: string) =
        let words = if verb = "" then "" else $" {verb}"
        eprintfn $"modnet: {message}"
        eprintfn $"Try: ./modnet{words} --help"
        Exit.usage

    /// Does the same for parse errors. It prints one, since others often follow from it; an unknown word counts first.
    let complainOf (verb: string) (parsed: ParseResult) (errors: Parsing.ParseError seq) =
        let command = parsed.CommandResult.Command

        let known = Seq.append (command.Options |> Seq.map _.Name) (command.Subcommands |> Seq.map _.Name)

        let messages = errors |> Seq.map _.Message |> Seq.toList

        messages |> List.tryFind unknown.IsMatch |> Option.defaultValue messages.Head |> plain known |> complain verb
