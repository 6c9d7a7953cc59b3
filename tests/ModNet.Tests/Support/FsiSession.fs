/// F# Interactive, given lines as a user at its prompt would. To start it takes seconds, so one session serves all tests.
module ModNet.Tests.FsiSession

open System
open System.Collections.Concurrent
open System.Diagnostics
open System.IO

/// What is written after a line was run to its end.
let private ended (what: string) = $"ended: {what}"

type private Session() =

    // What the session leaves behind goes with this.
    let directory = Directory.CreateTempSubdirectory("modnet-fsi-").FullName
    let errors = new BlockingCollection<string>()

    let running =
        let start =
            ProcessStartInfo(
                Environment.ProcessPath,
                [ "fsi"; "--nologo" ],
                WorkingDirectory = directory,
                RedirectStandardInput = true,
                RedirectStandardError = true,
                RedirectStandardOutput = true
            )

        start.Environment["TMPDIR"] <- directory
        Process.Start start

    do
        running.OutputDataReceived.Add ignore
        running.ErrorDataReceived.Add(fun line -> errors.Add(if isNull line.Data then ended "too soon" else line.Data))
        running.BeginOutputReadLine()
        running.BeginErrorReadLine()

        AppDomain.CurrentDomain.ProcessExit.Add(fun _ ->
            // `dotnet fsi` starts the session as a process of its own.
            running.Kill true
            running.WaitForExit 10_000 |> ignore
            Directory.Delete(directory, true))

    /// Has the session run interactions, each of one or more lines; what it wrote to its error output meanwhile. An error in one
    /// does not keep the session, which reads from standard input, from the next.
    member _.Run(interactions: string list) : string list =
        for interaction in interactions @ [ "ended \"all\"" ] do
            running.StandardInput.WriteLine $"{interaction}\n;;"

        let rec upToTheEnd lines =
            match errors.Take() with
            | line when line = ended "all" -> List.rev lines
            | line when line = ended "too soon" ->
                let said = String.concat "\n" (List.rev lines)
                failwith $"F# Interactive ended too soon: {said}"
            | line -> upToTheEnd (line :: lines)

        upToTheEnd []

let private session =
    lazy
        (let session = Session()
         let script = Path.Combine(Clone.root, "notebooks", "modnet.fsx")

         session.Run [
             "let ended (what: string) = System.Console.Error.WriteLine $\"ended: {what}\""
             $"#load @\"{script}\""
             "open ModNet"
         ]
         |> ignore

         session)

/// What the compiler says of some lines, and what they write to the error output, when F# Interactive is given them as a script;
/// `ModNet` is open.
let run (script: string) : string list = lock session (fun () -> session.Value.Run [ script ])

/// What came of an expression.
type Outcome = {
    /// What the compiler reported of it, its own text left out; empty where it had nothing to say.
    Report: string
    /// Whether it was run to its end.
    Ran: bool
}

/// The first report among these lines, up to the line that it quotes.
let private reportIn (lines: string list) =
    let isReport (line: string) = line.Contains "stdin("

    match List.skipWhile (isReport >> not) lines with
    | [] -> ""
    | first :: rest ->
        first :: (rest |> List.takeWhile (fun line -> not (isReport line || line.TrimStart().StartsWith "let _")))
        |> String.concat "\n"

/// The outcome of an expression on a line of its own.
let evaluate (expression: string) : Outcome =
    let lines = run $"let _ = {expression} in ended \"this\""
    { Report = reportIn lines; Ran = List.contains (ended "this") lines }
