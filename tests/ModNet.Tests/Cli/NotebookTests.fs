/// Notebooks from literate scripts.
module ModNet.Tests.NotebookTests

open System
open System.IO
open System.Reflection
open System.Reflection.Emit
open System.Text.Json.Nodes
open Expecto
open ModNet
open ModNet.Cli
open ModNet.Tests.Clone

let private loads =
    let path = Path.Combine(root, "notebooks", "modnet.fsx")
    $"#load @\"{path}\""

let private script =
    $"""{loads}
open ModNet

(** # Title

Some *text*, with a [link](https://example.org). *)

printfn "first"
let toy = network "toy" {{ features 2; modular {{ modules 2; unit (linear 2) }}; gaussian (variance 1.0) }}

(**
## Next
*)
(** and more *)

printfn "before"
Show.network toy
printfn "after \"quotes\" and ünicode"

(** last words *)
let silent = 1
"""

let private strings (node: JsonNode) =
    node.AsArray() |> Seq.map (fun line -> line.GetValue<string>()) |> String.concat ""

let private cellsOf (path: string) =
    JsonNode.Parse(File.ReadAllText path).["cells"].AsArray() |> Seq.map _.AsObject() |> List.ofSeq

/// The words of an output.
let private words (outputs: JsonNode list) index =
    let output = List.item index outputs
    strings output["text"]

let private kind (cell: JsonObject) = cell["cell_type"].GetValue<string>()

/// In a directory of its own, which holds a script of this text.
let private withScript (text: string) (test: string -> string -> unit) =
    inDirectory (fun directory ->
        let path = Path.Combine(directory, "mine.fsx")
        File.WriteAllText(path, text)
        test directory path)

let private reading = [
    testCase "blocks of Markdown and the code between them, in order" (fun () ->
        Expect.equal
            (Literate.cells
                "(** # A\n\nb *)\nlet x = 1\n\n\n(**\nc\n*)\n(** d *)\n\n  \nlet y =\n    (** no cell *)\n    2\n")
            [
                Cell.Markdown [ "# A"; ""; "b" ]
                Cell.Code([ "let x = 1" ], 4)
                Cell.Markdown [ "c" ]
                Cell.Markdown [ "d" ]
                Cell.Code([ "let y ="; "    (** no cell *)"; "    2" ], 13)
            ]
            "cells")

    testCase "other comments, and blocks without words, are no Markdown" (fun () ->
        let code = "(* a *)\n(*** hide ***)\n(**)\nlet x = 1"
        Expect.equal (Literate.cells code) [ Cell.Code(List.ofArray (code.Split '\n'), 1) ] "comments"
        Expect.equal (Literate.cells "(** *)\r\nlet x = 1\r\n") [ Cell.Code([ "let x = 1" ], 2) ] "no words"
        Expect.equal (Literate.cells "") [] "nothing")

    testCase "code stays on its lines where the script tells its cells" (fun () ->
        let cells = Literate.cells script
        let told = (Instrument.script cells).Split '\n'

        for cell in cells do
            match cell with
            | Cell.Code(lines, first) ->
                Expect.equal told[first - 1 .. first + lines.Length - 2] (Array.ofList lines) $"from line {first}"
            | Cell.Markdown _ -> ())

    testPropertyWithConfig
        { FsCheckConfig.defaultConfig with replay = Some(3UL, 5UL, None) }
        "frames and words come back in order"
        (fun (parts: Choice<string, int> list) ->
            let parts =
                parts
                |> List.map (function
                    | Choice1Of2 words when isNull words || words.Contains '\u001b' -> Choice1Of2 "words"
                    | Choice1Of2 words -> Choice1Of2 words
                    | Choice2Of2 cell -> Choice2Of2(ShowFrame.Cell cell))
                |> List.filter ((<>) (Choice1Of2 ""))

            let written =
                parts
                |> List.map (function
                    | Choice1Of2 words -> words
                    | Choice2Of2 frame -> ShowFrame.write frame)
                |> String.concat ""

            let joined =
                (parts, [])
                ||> List.foldBack (fun part rest ->
                    match part, rest with
                    | Choice1Of2 one, Choice1Of2 next :: rest -> Choice1Of2(one + next) :: rest
                    | part, rest -> part :: rest)

            Expect.equal (ShowFrame.parse written) joined "parts")
]

let private making = [
    testCase "outputs stand in the cells that made them, pictures as pictures" (fun () ->
        withScript script (fun directory path ->
            let code, output, errors = modnet [ "notebook"; path ]
            Expect.equal code 0 errors
            let notebook = Path.Combine(directory, "mine.ipynb")
            Expect.stringContains output notebook "says where it is"

            Expect.equal
                (Directory.GetFiles directory |> Array.map Path.GetFileName |> Array.sort)
                [| "mine.fsx"; "mine.ipynb" |]
                "and nothing else is left"

            let cells = cellsOf notebook

            Expect.equal
                (cells |> List.map kind)
                [ "code"; "markdown"; "code"; "markdown"; "markdown"; "code"; "markdown"; "code" ]
                "cells"

            Expect.equal
                (cells |> List.map (fun cell -> cell["id"].GetValue<string>()) |> List.distinct).Length
                8
                "ids"

            Expect.equal
                (cells |> List.map (fun cell -> strings cell["source"]) |> List.item 1)
                "# Title\n\nSome *text*, with a [link](https://example.org)."
                "Markdown"

            let code = cells |> List.filter (fun cell -> kind cell = "code")
            let outputs = code |> List.map (fun cell -> List.ofSeq (cell["outputs"].AsArray()))
            Expect.equal (outputs |> List.map _.Length) [ 0; 1; 3; 0 ] "outputs of each"
            Expect.equal (words (List.item 1 outputs) 0) "first\n" "the second's"
            Expect.equal (words (List.item 2 outputs) 0) "before\n" "the third's first"
            Expect.equal (words (List.item 2 outputs) 2) "after \"quotes\" and ünicode\n" "and last"
            let shown = (outputs |> List.item 2 |> List.item 1).["data"]
            let drawing = strings shown["image/svg+xml"]
            Expect.equal (Picture.read drawing |> Picture.ofKind "layer" |> List.length) 3 "a drawing"
            Expect.equal (strings shown["text/plain"]) "a drawing of the network toy" "its words"

            Expect.equal
                (code |> List.map (fun cell -> cell["execution_count"].GetValue<int>()))
                [ 1; 2; 3; 4 ]
                "counts"

            let whole = JsonNode.Parse(File.ReadAllText notebook)
            Expect.equal (whole["nbformat"].GetValue<int>(), whole["nbformat_minor"].GetValue<int>()) (4, 5) "format"
            Expect.equal (whole["metadata"].["kernelspec"].["name"].GetValue<string>()) ".net-fsharp" "kernel"))

    testCase "a cell that fails is named by its line, and no notebook is written" (fun () ->
        withScript (script.Replace("let silent = 1", "failwith \"no luck\"")) (fun directory path ->
            let code, _, errors = modnet [ "notebook"; path; "--out"; Path.Combine(directory, "out.ipynb") ]

            Expect.equal code 1 "exit code"
            let line = 1 + Array.IndexOf(script.Split '\n', "let silent = 1")

            Expect.stringContains
                errors
                $"{path}, cell 4 (line {line}): expected a script that runs to its end"
                "where"

            Expect.stringContains errors "no luck" "what it said"
            Expect.stringContains errors $"mine.fsx:line {line}" "in the script's own lines"
            Expect.equal (Directory.GetFiles directory) [| path |] "no other file"))

    testCase "a script that does not compile, and one that is not there" (fun () ->
        withScript (script.Replace("let silent = 1", "let silent : int = \"\"")) (fun directory path ->
            let code, _, errors = modnet [ "notebook"; path ]
            Expect.equal code 1 "exit code"
            let line = 1 + Array.IndexOf(script.Split '\n', "let silent = 1")
            Expect.stringContains errors $"mine.fsx({line}," "the line"
            Expect.stringContains errors "does not compile" "what it is"
            Expect.equal (Directory.GetFiles directory) [| path |] "no other file"
            let code, _, errors = modnet [ "notebook"; Path.Combine(directory, "none.fsx") ]
            Expect.equal code 1 "exit code"
            Expect.stringContains errors "nothing at that path" "said"))

    testCase "the tour's notebook is what the tour says now" (fun () ->
        inDirectory (fun directory ->
            let made = Path.Combine(directory, "tour.ipynb")

            let code, _, errors = modnet [ "notebook"; Path.Combine(root, "notebooks", "tour.fsx"); "--out"; made ]

            Expect.equal code 0 errors
            let made = File.ReadAllText made

            Expect.equal
                made
                (File.ReadAllText(Path.Combine(root, "notebooks", "tour.ipynb")))
                "made again: ./modnet notebook notebooks/tour.fsx"

            for place in [ root; Path.GetTempPath(); Environment.GetFolderPath Environment.SpecialFolder.UserProfile ] do
                Expect.isFalse (made.Contains(place.TrimEnd '/' + "/")) $"nothing of {place}"))
]

/// A library by the kernel's name, whose `DisplayAs` prints the media type and how what it was given begins.
let private fakeKernel (name: string) (path: string) =
    let assembly = PersistedAssemblyBuilder(AssemblyName name, typeof<obj>.Assembly)

    let owner =
        assembly
            .DefineDynamicModule("kernel")
            .DefineType("System.DisplayExtensions", TypeAttributes.Public ||| TypeAttributes.Class)

    let display =
        owner.DefineMethod(
            "DisplayAs",
            MethodAttributes.Public ||| MethodAttributes.Static,
            typeof<string>,
            [| typeof<string>; typeof<string>; typeof<string array> |]
        )

    let code = display.GetILGenerator()
    code.Emit OpCodes.Ldarg_1
    code.Emit(OpCodes.Call, typeof<Console>.GetMethod("WriteLine", [| typeof<string> |]))
    code.Emit OpCodes.Ldarg_0
    code.Emit OpCodes.Ret
    owner.CreateType() |> ignore
    assembly.Save path

let private shown =
    $"""{loads}
open ModNet
open ModNet.Figures
Show.svg "a square" "<svg xmlns='http://www.w3.org/2000/svg'/>"
Show.figure "a loss" (Panel.series [ Draw.Line("loss", [| 1.0 |], [| 2.0 |]) ])
"""

let private showing = [
    testCase "in a plain run pictures are files, whose paths are printed" (fun () ->
        withScript shown (fun _ path ->
            let code, output, errors = modnet [ "check"; path ]
            Expect.equal code 0 errors

            for words, ending, start in [ "a square", ".svg", "<svg"; "a loss", ".html", "<!DOCTYPE html>" ] do
                let line = output.Split '\n' |> Array.find (fun line -> line.StartsWith $"{words}: ")

                let file = line.Substring(words.Length + 2)
                Expect.stringEnds file ending words
                Expect.stringStarts (File.ReadAllText file) start words
                File.Delete file))

    for name in [ "Microsoft.DotNet.Interactive"; "Microsoft.DotNet.Interactive.Formatting" ] do
        testCase $"in a kernel with {name} pictures are its to show" (fun () ->
            withScript "" (fun directory path ->
                let kernel = Path.Combine(directory, "kernel.dll")
                fakeKernel name kernel
                File.WriteAllText(path, $"System.Reflection.Assembly.LoadFrom @\"{kernel}\" |> ignore\n{shown}")
                let code, output, errors = modnet [ "check"; path ]
                Expect.equal code 0 errors
                Expect.equal (output.Trim()) "image/svg+xml\ntext/html" "media types"))
]

let private drawing = [
    testCase "check leaves a drawing where it is asked to, of the kind that its name says" (fun () ->
        inDirectory (fun directory ->
            for name, start in [ "a.svg", "<svg "; "a.mmd", "%% a network, drawn by ModNet\nflowchart TB" ] do
                let path = Path.Combine(directory, name)
                let code, output, errors = modnet [ "check"; "notebooks/ptb.fsx"; "--draw"; path ]
                Expect.equal code 0 errors
                Expect.stringContains output "modular_gru1" "the table too"
                Expect.stringStarts (File.ReadAllText path) start name))

    testCase "a drawing of another kind is a usage error" (fun () ->
        let code, _, errors = modnet [ "check"; "notebooks/ptb.fsx"; "--draw"; "a.png" ]
        Expect.equal code 2 "exit code"
        Expect.stringContains errors "--draw: expected a file name that ends in .svg or .mmd, got a.png" "said")

    testCase "a drawing where there is no directory" (fun () ->
        let code, _, errors = modnet [ "check"; "notebooks/ptb.fsx"; "--draw"; "/nowhere/a.svg" ]

        Expect.equal code 1 "exit code"
        Expect.stringContains errors "/nowhere/a.svg: expected a directory that is there" "said")
]

[<Tests>]
let tests =
    testSequenced
    <| testList "notebook" [
        testList "reading" reading
        testList "making" making
        testList "showing" showing
        testList "drawing" drawing
    ]
