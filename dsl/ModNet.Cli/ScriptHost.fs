namespace ModNet.Cli

open System
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open ModNet
open ModNet.Runtime

/// Runs a user's script in a process of its own: with F# Interactive, or compiled where it was compiled before.
[<RequireQualifiedAccess>]
module ScriptHost =

    /// The line of the script that an error points at.
    let private lineOf (error: CompilerError) : string =
        try
            File.ReadLines error.Path |> Seq.tryItem (error.Line - 1) |> Option.defaultValue ""
        with
        | :? IOException
        | :? UnauthorizedAccessException -> ""

    /// Raises UserException where there is no script at the path.
    let mustBeThere (script: string) : unit =
        if not (File.Exists script) then
            raise (
                UserException(
                    script,
                    "an .fsx file",
                    (if Directory.Exists script then "a directory" else NearWord.NothingAt script),
                    "give the path of a script, such as notebooks/ptb.fsx"
                )
            )

        if not (script.EndsWith(".fsx", StringComparison.OrdinalIgnoreCase)) then
            raise (UserException(script, "an .fsx file", Path.GetFileName script, "write it as an F# script"))

    let private interactive (script: string) (words: string list) : string list =
        // What follows the dashes is the script's, even where F# Interactive has an option of that name.
        [ "fsi"; "--nologo"; "--quiet"; "--exec"; script; "--" ] @ words

    let private start (words: string list) =
        let start = ProcessStartInfo(Environment.ProcessPath, words, RedirectStandardError = true)

        // The compiler asks for a garbage collector that is made for servers: it takes longer to start, and memory for every core.
        let collector = "DOTNET_gcServer"
        if not (start.Environment.ContainsKey collector) then start.Environment[collector] <- "0"
        start

    // As shells tell of it.
    let private endedBySigterm = 128 + 15

    /// Runs it to its end, its error output said line by line; `meanwhile` is done as soon as it runs. Raises UserException where
    /// it does not compile.
    let private follow
        (script: string)
        (start: ProcessStartInfo)
        (say: string -> unit)
        (meanwhile: Process -> 'Result)
        : int * 'Result =
        use running = Process.Start start
        let isInterrupted = ref false

        // A terminal's Ctrl-C reaches the script, too; a signal to this process alone does not. The script ends in good order, and this process waits for it.
        let passOn (context: PosixSignalContext) =
            context.Cancel <- true
            if context.Signal = PosixSignal.SIGINT then isInterrupted.Value <- true
            ProcessSignals.Terminate running.Id

        use _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, passOn)
        use _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, passOn)
        use _user = PosixSignalRegistration.Create(ProcessSignals.User1, passOn)

        let result = meanwhile running
        let mutable compiles = true
        // The lines of the compiler's error that is being read, the last one first.
        let mutable error = []

        let hint () =
            CompilerError.ofLines (List.rev error)
            |> Option.bind (fun found -> CompilerHint.ofError (lineOf found) found)
            |> Option.iter (fun hint -> say $"  remedy: {hint}")

            error <- []

        let rec forward () =
            match running.StandardError.ReadLine() with
            | null -> hint ()
            | "" when not compiles -> forward ()
            | line ->
                if CompilerError.beginsIn line then
                    hint ()
                    compiles <- false
                    error <- [ line ]
                elif not error.IsEmpty then
                    error <- line :: error

                say line
                forward ()

        forward ()
        running.WaitForExit()

        if not compiles then
            raise (UserException $"{script}: does not compile, so nothing was run – mend the lines named above")

        let wasEnded = running.ExitCode = endedBySigterm
        (if isInterrupted.Value && wasEnded then CommandLine.Exit.stopped else running.ExitCode), result

    // What F# Interactive says of an exception that no one caught: its type and message, and then the stack. Where it is a user's mistake, the
    // message alone is said.
    let private mistakes (say: string -> unit) : string -> unit =
        let opening = $"{typeof<UserException>.FullName}: "
        let mutable isAfterMistake = false

        fun line ->
            let start = line.IndexOf(opening, StringComparison.Ordinal)

            if start >= 0 then
                isAfterMistake <- true
                say line[start + opening.Length ..]
            elif
                isAfterMistake && (line.StartsWith "   at " || line.StartsWith "Stopped due to error" || line = "")
            then
                ()
            else
                isAfterMistake <- false
                say line

    /// The first of the words, the verb, and the options go to the script, whose `Script.Run` or `Program.main` reads them. All words are the
    /// command that it may learn of from `Host`. The exit code is the script's. Raises UserException where the script declares nothing.
    let run (command: string) (script: string) (options: string list) : int =
        mustBeThere script
        let words = command.Split(' ')[0] :: options
        let compiled = CompiledScript.ofScript script
        let isCompiled = compiled |> Option.exists CompiledScript.isThere

        let start =
            match compiled with
            | Some compiled when isCompiled -> CompiledScript.words compiled script words
            | _ -> interactive script words
            |> start

        let declared = Path.Combine(Path.GetTempPath(), $"modnet-{Guid.NewGuid():N}")

        for variable, value in
            [
                ParentProcess.Variable, string Environment.ProcessId
                Host.verbVariable, command
                Host.optionsVariable, String.concat " " options
                Host.declaredVariable, declared
            ] do
            start.Environment[variable] <- value

        let code = follow script start (mistakes (fun line -> eprintfn $"{line}")) ignore |> fst
        let hasDeclared = File.Exists declared
        File.Delete declared

        // For the next time: it compiles, and the process has ended.
        if not isCompiled then compiled |> Option.iter (fun compiled -> CompiledScript.compileLater compiled script)

        if code = CommandLine.Exit.ok && not hasDeclared then
            raise (
                UserException(
                    script,
                    "a script that declares an experiment or a study",
                    "one that gives none to the command line",
                    "end it with `|> Program.main fsi.CommandLineArgs`, or `Study.main` for a study"
                )
            )

        code

    /// Runs the script at `path` in place of `script`, whose name is said where it would be; exit code and output. The
    /// environment variable tells it who listens. Raises OperationCanceledException where Ctrl-C stopped it.
    let capture (script: string) (path: string) (variable: string, value: string) : int * string =
        let start = start (interactive path [])
        start.RedirectStandardOutput <- true
        start.Environment[variable] <- value
        start.Environment[ParentProcess.Variable] <- string Environment.ProcessId

        let say (line: string) =
            let line =
                line.Replace(Path.GetFullPath path, script).Replace(Path.GetFileName path, Path.GetFileName script)

            eprintfn $"{line}"

        let code, printed = follow script start say (fun running -> running.StandardOutput.ReadToEndAsync())

        if code = CommandLine.Exit.stopped then raise (OperationCanceledException())

        code, printed.Result
