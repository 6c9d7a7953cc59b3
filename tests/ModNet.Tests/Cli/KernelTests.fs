/// The notebooks in the kernel that they name: .NET Interactive, driven over its standard input and output.
module ModNet.Tests.KernelTests

open System
open System.Diagnostics
open System.IO
open System.Text.Json.Nodes
open System.Threading
open Expecto
open ModNet.Tests.Clone

/// The folder whose manifest names the kernel; the repository's own leaves it out, because only this test needs it.
let private home = Path.Combine(root, "tests", "ModNet.Tests", "Cli", "kernel")

/// What one cell brought forth.
type private Outcome = {
    Printed: string
    /// The media types of what was shown.
    Shown: string list
    /// What the kernel says went wrong; empty where nothing did.
    Wrong: string
}

/// A kernel that has started in a folder.
type private Kernel(folder: string) =

    let running =
        let start =
            ProcessStartInfo(
                Environment.ProcessPath,
                [ "tool"; "run"; "dotnet-interactive"; "stdio"; "--default-kernel"; "fsharp"; "--working-dir"; folder ],
                WorkingDirectory = home,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true
            )

        start.Environment["DOTNET_INTERACTIVE_CLI_TELEMETRY_OPTOUT"] <- "1"
        // ./modnet sets it for the SDK; the kernel takes it for a culture, which a machine without libicu does not have.
        start.Environment.Remove "DOTNET_CLI_UI_LANGUAGE" |> ignore
        Process.Start start

    let errors = running.StandardError.ReadToEndAsync()

    // A kernel that hangs is ended, and what waits for it fails.
    let watch = new Timer((fun _ -> running.Kill true), null, TimeSpan.FromMinutes 5.0, Timeout.InfiniteTimeSpan)

    /// The next event; lines that are none, such as a welcome, are passed over.
    let rec next () : JsonNode =
        match running.StandardOutput.ReadLine() with
        | null -> failwith $"the kernel ended too soon: {errors.Result}"
        | line when line.StartsWith '{' -> JsonNode.Parse line
        | _ -> next ()

    let text (node: JsonNode) = if isNull node then "" else node.GetValue<string>()

    /// Has the kernel run a cell of F#.
    member _.Run(token: string, code: string) : Outcome =
        let command =
            JsonObject(
                dict [
                    "token", JsonValue.Create token :> JsonNode
                    "commandType", JsonValue.Create "SubmitCode"
                    "command",
                    JsonObject(
                        dict [
                            "code", JsonValue.Create code :> JsonNode
                            "targetKernelName", JsonValue.Create "fsharp"
                        ]
                    )
                ]
            )

        running.StandardInput.WriteLine(command.ToJsonString())

        let rec upToTheEnd outcome =
            let happened = next ()
            let event = happened["event"]

            let isMine = not (isNull happened["command"]) && text happened["command"].["token"] = token

            match text happened["eventType"] with
            | "CommandSucceeded" when isMine -> outcome
            | "CommandFailed" when isMine -> { outcome with Wrong = outcome.Wrong + text event["message"] }
            | "ErrorProduced" -> upToTheEnd { outcome with Wrong = outcome.Wrong + text event["message"] }
            | "StandardErrorValueProduced" ->
                upToTheEnd { outcome with Wrong = outcome.Wrong + text event["formattedValues"].[0].["value"] }
            | "StandardOutputValueProduced" ->
                upToTheEnd { outcome with Printed = outcome.Printed + text event["formattedValues"].[0].["value"] }
            | "DisplayedValueProduced"
            | "ReturnValueProduced" ->
                let types = [ for value in event["formattedValues"].AsArray() -> text value["mimeType"] ]
                upToTheEnd { outcome with Shown = outcome.Shown @ types }
            | _ -> upToTheEnd outcome

        upToTheEnd { Printed = ""; Shown = []; Wrong = "" }

    interface IDisposable with
        member _.Dispose() =
            watch.Dispose()
            running.Kill true
            running.WaitForExit()
            running.Dispose()

let private strings (node: JsonNode) =
    node.AsArray() |> Seq.map (fun line -> line.GetValue<string>()) |> String.concat ""

/// The code cells of a notebook: the source, and what it holds as their outputs.
let private cellsOf (notebook: string) = [
    for cell in JsonNode.Parse(File.ReadAllText notebook).["cells"].AsArray() do
        if cell["cell_type"].GetValue<string>() = "code" then
            let outputs = cell["outputs"].AsArray() |> List.ofSeq

            strings cell["source"],
            [
                for output in outputs do
                    if not (isNull output["text"]) then strings output["text"]
            ]
            |> String.concat "",
            [
                for output in outputs do
                    if not (isNull output["data"]) then (Seq.head (output["data"].AsObject())).Key
            ]
]

/// Skips the test where the kernel cannot be had.
let private install () =
    let code, output, errors = run home Environment.ProcessPath [ "tool"; "restore" ] []
    if code <> 0 then skiptest $"the kernel cannot be installed here: {output}{errors}"

[<Tests>]
let tests =
    testList "kernel" [
        testCase "every notebook runs whole in the kernel that it names, and prints and shows what it holds"
        <| fun () ->
            install ()
            let notebooks = Directory.GetFiles(Path.Combine(root, "notebooks"), "*.ipynb")
            Expect.isNonEmpty notebooks "notebooks"

            for notebook in notebooks do
                let name = Path.GetFileName notebook
                use kernel = new Kernel(Path.GetDirectoryName notebook)

                for index, (source, printed, shown) in List.indexed (cellsOf notebook) do
                    let cell = $"{name}, code cell {index + 1}:\n{source}\n"
                    let outcome = kernel.Run($"cell {index}", source)
                    Expect.equal outcome.Wrong "" $"{cell}goes wrong"
                    Expect.equal outcome.Printed printed $"{cell}prints something else"
                    Expect.equal outcome.Shown.Length shown.Length $"{cell}shows something else"

                let wrong = kernel.Run("wrong", "(failwith \"on purpose\": int)")
                Expect.stringContains wrong.Wrong "on purpose" "a cell that fails is seen to fail"
    ]
