module ModNet.Cli.Main

open System.CommandLine.Help
open System.Runtime.InteropServices
open ModNet
open ModNet.Cli.Verbs
open ModNet.Runtime

/// Every command, in the order of the help. While nothing is built, ./modnet reads its help from this table and from the files
/// that it names.
let private verbs = [
    Demo.verb
    New.verb
    Train.verb
    Check.verb
    Reproduce.verb
    Inspect.verb
    Predict.verb
    Sample.verb
    Export.verb
    Edit.verb
    Structure.verb
    Runs.verb
    Compare.verb
    Pictures.verb
    Notebook.verb
    Bench.verb
    Doctor.verb
    Test.verb
    Pack.verb
    Docs.verb
    Format.verb
    Completion.verb
]

let private modnet = CommandLine.modnet [ for verb in verbs -> verb.Command ]

/// A signal that ends this process first removes what it has not finished writing. Training, which a signal does not end, is asked first: the handler that was
/// registered last runs first.
let private leavingNothingUnfinished (action: unit -> int) : int =
    let remove (context: PosixSignalContext) = if not context.Cancel then UnfinishedPath.RemoveAll()
    use _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, remove)
    use _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, remove)
    action ()

let private run (words: string list) : int =
    // `help VERB` is `VERB --help`.
    let words =
        match words with
        | "help" :: verb :: _ -> [ verb; "--help" ]
        | words -> words

    let parsed = modnet.Parse words
    let command = parsed.CommandResult.Command
    let verb = verbs |> List.tryFind (fun verb -> verb.Command = command)

    match verb |> Option.map _.Action, words with
    | _, [ "--version" ] ->
        printfn $"modnet {CommandLine.version}"

        printfn
            $"TorchSharp {Libtorch.TorchSharpVersion}, libtorch {Libtorch.Expected.ToString 3}, .NET {System.Environment.Version}"

        CommandLine.Exit.ok
    | Some(Action.Forwarded run), _ :: script :: options when not (script.StartsWith '-') -> run script options
    | _ when (parsed.Action :? HelpAction) -> parsed.Invoke()
    | Some(Action.Forwarded _), _ ->
        let first = command.Arguments[0].Name

        CommandLine.complain
            command.Name
            $"{command.Name} needs a {first} first: ./modnet {command.Name} {first} [options]"
    | _ when parsed.Errors.Count > 0 ->
        CommandLine.complainOf (if verb.IsNone then "" else command.Name) parsed parsed.Errors
    | Some(Action.Parsed run), _ -> leavingNothingUnfinished (fun () -> run parsed)
    | _ -> CommandLine.complain "" $"the script ./modnet, at the root of a clone, does {command.Name}"

[<EntryPoint>]
let main arguments =
    try
        match arguments with
        // What one ./modnet asks another for (CompiledScript); no user says it.
        | [| word; key; script |] when word = CompiledScript.keepWord ->
            CompiledScript.keep key script
            CommandLine.Exit.ok
        | _ when arguments.Length > 3 && arguments[0] = CompiledScript.runWord ->
            ScriptProgram.run arguments[1] arguments[2] arguments[3..]
        | [||] -> run [ "--help" ]
        | _ -> run (List.ofArray arguments)
    with :? UserException as mistake ->
        eprintfn $"{mistake.Message}"
        CommandLine.Exit.failure
