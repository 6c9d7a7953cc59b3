module ModNet.Cli.Main

open System.CommandLine
open System.CommandLine.Help
open ModNet
open ModNet.Runtime

let private simple (name: string) (help: string) =
    let command = Command(name, help)
    command.Options.Add(HelpOption())
    command

let private demo =
    let command = simple "demo" "Train the paper's toy regression and leave a report in runs/demo."

    CommandLine.training |> List.iter command.Options.Add
    command

let private doctor = simple "doctor" "Say what this machine has and lacks: libtorch, threads, BLAS, SIMD, speed."

// These three are done by the script ./modnet itself; here they only stand in the help.
let private test = simple "test" "Build everything and run all tests."

let private bench = simple "bench" "Time ModNet, side by side with PyTorch."

let private format = simple "format" "Format the sources, or with --check say whether they are."

let private train = CommandLine.train []
let private check = CommandLine.check []
let private notebook = Notebook.command
let private inspect = InspectCommand.command

let private modnet =
    CommandLine.modnet [
        demo
        train
        check
        StudyCommand.reproduce
        inspect
        Pictures.command
        notebook
        bench
        doctor
        test
        format
    ]

/// A script's own options are only known to the script, so the words after its name are left to it.
let private script (verb: string) (words: string list) =
    match words with
    | name :: options when not (name.StartsWith '-') -> ScriptHost.run verb name options
    | ("--help" | "-h" | "-?") :: _ -> modnet.Parse([ verb; "--help" ]).Invoke()
    | _ -> CommandLine.complain verb $"{verb} needs a script first: ./modnet {verb} SCRIPT [options]"

/// The same of a study, by its name.
let private reproduce (words: string list) =
    match words with
    | name :: options when not (name.StartsWith '-') -> Reproduce.run name options
    | ("--help" | "-h" | "-?") :: _ -> modnet.Parse([ "reproduce"; "--help" ]).Invoke()
    | _ -> CommandLine.complain "reproduce" "reproduce needs a name first: ./modnet reproduce NAME [options]"

let private own (words: string list) =
    let parsed = modnet.Parse words
    let command = parsed.CommandResult.Command

    if parsed.Action :? HelpAction then
        parsed.Invoke()
    elif parsed.Errors.Count > 0 then
        CommandLine.complainOf (if command = modnet then "" else command.Name) parsed parsed.Errors
    elif command = demo then
        Demo.run (CommandLine.settings parsed (String.concat " " ("./modnet" :: words)))
    elif command = notebook then
        Notebook.run parsed
    elif command = inspect then
        InspectCommand.invoke parsed
    elif command = Pictures.command then
        Pictures.invoke parsed
    elif command = doctor then
        Doctor.run ()
    else
        CommandLine.complain "" $"{command.Name} is done by the script ./modnet, at the root of a clone"

[<EntryPoint>]
let main arguments =
    try
        match List.ofArray arguments with
        | [] -> modnet.Parse([ "--help" ]).Invoke()
        | ("train" | "check" as verb) :: words -> script verb words
        | "reproduce" :: words -> reproduce words
        | words -> own words
    with :? UserException as mistake ->
        eprintfn $"{mistake.Message}"
        CommandLine.Exit.failure
