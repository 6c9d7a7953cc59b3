/// Lines of F# given to `dotnet fsi`, as a user at its prompt would. To start it takes seconds, so one session serves all.
module ModNet.Tests.FsiSession

open System
open System.Diagnostics
open System.IO
open ModNet

/// What came of a line.
type Outcome = {
    /// What the compiler reported of it, its own text left out; empty where it had nothing to say.
    Report: string
    /// Whether it was run to its end.
    Ran: bool
}

let private start directory =
    let info =
        ProcessStartInfo(
            "dotnet",
            [ "fsi"; "--nologo" ],
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardError = true,
            RedirectStandardOutput = true
        )

    info.Environment["TMPDIR"] <- directory
    Process.Start info

/// Whatever the lines leave behind goes with this.
let private withDirectory action =
    let directory = Directory.CreateTempSubdirectory "modnet-fsi-"

    try
        action directory.FullName
    finally
        directory.Delete true

/// The message at a line's first report, up to the line that it quotes.
let private reportOf (errors: string array) (line: int) =
    let isReport (text: string) = text.Contains "stdin("
    let isOfLine (text: string) = text.Contains $"stdin({line},"

    match Array.tryFindIndex isOfLine errors with
    | None -> ""
    | Some first ->
        let rest = errors[first + 1 ..]

        let last =
            rest
            |> Array.tryFindIndex (fun text -> isReport text || text.TrimStart().StartsWith "let _")
            |> Option.defaultValue rest.Length

        Array.append [| errors[first] |] rest[.. last - 1] |> String.concat "\n"

/// The outcomes of expressions, each on a line of its own, after some declarations. An error in one does not keep the
/// session, which reads from standard input, from the next.
let evaluate (declarations: string list) (expressions: string list) : Outcome list =
    withDirectory (fun directory ->
        use session = start directory
        let output = session.StandardOutput.ReadToEndAsync()
        let errors = session.StandardError.ReadToEndAsync()

        let declarations = [
            let script = Path.Combine(Clone.root, "notebooks", "modnet.fsx")
            $"#load @\"{script}\""
            "open ModNet"
            yield! declarations
        ]

        for line in declarations do
            session.StandardInput.WriteLine $"{line};;"

        for index, expression in List.indexed expressions do
            session.StandardInput.WriteLine $"let _ = {expression} in stdout.WriteLine \"ran {index}.\";;"

        session.StandardInput.Close()
        session.WaitForExit()
        let output = output.Result
        let errors = errors.Result.Split '\n'

        [
            for index in 0 .. expressions.Length - 1 ->
                {
                    Report = reportOf errors (declarations.Length + index + 1)
                    Ran = output.Contains($"ran {index}.", StringComparison.Ordinal)
                }
        ])
