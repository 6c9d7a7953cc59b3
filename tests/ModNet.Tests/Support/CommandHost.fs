/// The command line in a process that serves many commands, one after the other. To start a program takes a second or two, mostly for code that is
/// compiled anew each time; a test that is about what a command says and does, and not about a process, asks this one. What trains, reads its
/// standard input, or ends its process goes through `Clone.modnet`.
module ModNet.Tests.CommandHost

open System
open System.Diagnostics
open System.IO
open System.Text
open System.Text.Json
open System.Text.RegularExpressions
open System.Threading.Tasks
open Expecto

/// Ends what a command wrote, on its output and on its error output; texts have no such character.
let private mark = '\u001E'

/// The host's side: a line of its standard input is a folder and the words of a command in it. Ends where its standard input does.
let serve () : int =
    let rec next () =
        match Console.In.ReadLine() with
        | null -> 0
        | line ->
            let asked = JsonSerializer.Deserialize<string array> line
            Environment.CurrentDirectory <- asked[0]

            let code =
                try
                    ModNet.Cli.Main.main asked[1..]
                with error ->
                    // As the runtime says it of a program, and with its exit code.
                    eprintfn $"Unhandled exception. {error}"
                    134

            Console.Error.Write mark
            Console.Out.Write $"{mark}{code}\n"
            next ()

    next ()

type private Host() =

    let started =
        Process.Start(
            ProcessStartInfo(
                Environment.ProcessPath,
                [ Reflection.Assembly.GetExecutingAssembly().Location; "--commands" ],
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true
            )
        )

    let upToMark (reader: StreamReader) =
        let text = StringBuilder()

        let rec next () =
            match reader.Read() with
            | -1 -> failwith $"the process that serves commands ended too soon: {text}"
            | one when char one = mark -> string text
            | one ->
                text.Append(char one) |> ignore
                next ()

        next ()

    do
        AppDomain.CurrentDomain.ProcessExit.Add(fun _ ->
            started.StandardInput.Close()
            started.WaitForExit 10_000 |> ignore)

    member _.Run (folder: string) (words: string list) : int * string * string =
        started.StandardInput.WriteLine(JsonSerializer.Serialize(Array.ofList (folder :: words)))
        let errors = Task.Run(fun () -> upToMark started.StandardError)
        let output = upToMark started.StandardOutput
        int (started.StandardOutput.ReadLine()), output, errors.Result

let private host = lazy Host()

/// Runs the command line in a folder: exit code, output, error output.
let within (folder: string) (words: string list) : int * string * string =
    lock host (fun () -> host.Value.Run folder words)

/// Runs the command line in the clone: exit code, output, error output.
let modnet (words: string list) : int * string * string = within Clone.root words

/// The command line refuses these words: with this exit code, in a message that has these parts, and without a stack trace.
let refused (code: int) (words: string list) (parts: string list) : unit =
    Clone.isRefusal (modnet words) code words parts

/// The command line does what these words say: output, error output. What trains does so in a process of its own.
let succeeds (words: string list) : string * string =
    let code, output, errors = if words.Head = "train" then Clone.modnet words else modnet words
    let command = String.concat " " words
    Expect.equal code 0 $"{command}: {errors}"
    output, errors
