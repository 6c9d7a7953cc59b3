/// F# Interactive, given lines as a user at its prompt would. To start it takes seconds, so one session serves all tests.
module ModNet.Tests.FsiSession

open System
open System.Collections.Concurrent
open System.Diagnostics
open System.IO
open System.Text.RegularExpressions

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

/// The folder of the compiler that the session has.
let compiler =
    lazy
        (match run "System.Console.Error.WriteLine System.AppContext.BaseDirectory" with
         | [ folder ] -> folder
         | lines -> failwith $"expected the session's folder, got {lines}")

/// What came of an expression.
type Outcome = {
    /// What the compiler reported of it, its own text left out; empty where it had nothing to say.
    Report: string
    /// Whether it was run to its end.
    Ran: bool
}

/// Expressions, each the body of a function of its own, and of a file of its own in what the compiler says.
let private functions (expressions: string list) = [
    for number, expression in List.indexed expressions do
        $"# 1 \"case-{number}\""
        $"    let case{number} () = let _ = {expression} in ()"
]

/// The first report of each expression among the compiler's lines.
let private reports (lines: string list) : Map<int, string> =
    let start = Regex @"case-(\d+)\(\d+,\d+\): "

    let take (found: (int * string) list) (line: string) =
        let told = start.Match line

        match found with
        | _ when told.Success -> (int told.Groups[1].Value, line) :: found
        | (number, report) :: earlier -> (number, $"{report}\n{line}") :: earlier
        | [] -> []

    // Of the reports of one expression the last in this list is the first.
    lines |> List.fold take [] |> Map.ofList

/// The outcomes of expressions of one interaction.
let private together (expressions: string list) : Outcome list =
    let lines =
        run (
            String.concat "\n" [
                "module Evaluated ="
                yield! functions expressions
                "# 1 \"stdin\""
                // A line each: one of them all would be too long for it.
                "let cases: (unit -> unit) list = ["
                for number in 0 .. expressions.Length - 1 do
                    $"    Evaluated.case{number}"
                "]"
                "for number, case in List.indexed cases do"
                "    try"
                "        case ()"
                "        ended (string number)"
                "    with error -> System.Console.Error.WriteLine $\"case-{number}(1,1): {error}\""
            ]
        )

    let isEnd (line: string) = line.StartsWith(ended "")
    let ran = Set(List.filter isEnd lines)
    let said = List.filter (isEnd >> not) lines
    let reports = reports said

    if ran.IsEmpty && reports.IsEmpty then
        let said = String.concat "\n" said
        failwith $"no expression was run, and none is told of: {said}"

    [
        for number in 0 .. expressions.Length - 1 do
            { Report = Map.tryFind number reports |> Option.defaultValue ""; Ran = ran.Contains(ended (string number)) }
    ]

/// The outcomes of expressions, in order. Twenty are one interaction, since each interaction takes its time, and so does one that is large. At the
/// first error in an interaction the compiler stops: then that alone is told, and nothing of the twenty is run.
let evaluate (expressions: string list) : Outcome list = expressions |> List.chunkBySize 20 |> List.collect together

/// What the compiler first says of each expression after these declarations, the expressions in one file; empty where it has nothing to
/// say. It is F# Interactive's compiler by itself, since that goes on after an error.
let refusals (declarations: string list) (expressions: string list) : string list =
    inDirectory
    <| fun directory ->
        let script = Path.Combine(Clone.root, "notebooks", "modnet.fsx")
        let path = Path.Combine(directory, "refused.fsx")

        File.WriteAllLines(
            path,
            [
                $"#load @\"{script}\""
                "open ModNet"
                yield! declarations
                "module Refused ="
                yield! functions expressions
            ]
        )

        let _, output, errors =
            Clone.run directory Environment.ProcessPath [
                Path.Combine(compiler.Value, "fsc.dll")
                "--nologo"
                "--targetprofile:netcore"
                "--target:library"
                "--maxerrors:10000"
                path
            ] []

        let reports = List.ofArray ((output + errors).Split '\n') |> reports
        [ for number in 0 .. expressions.Length - 1 -> Map.tryFind number reports |> Option.defaultValue "" ]
