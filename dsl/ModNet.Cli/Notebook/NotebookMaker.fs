namespace ModNet.Cli

open System
open System.IO
open ModNet
open ModNet.Runtime

/// Makes notebooks of literate scripts, by running them.
[<RequireQualifiedAccess>]
module NotebookMaker =

    /// Beside the script, so that what it loads is found; gone when the action is done.
    let private withCopy (script: string) (text: string) (action: string -> 'Result) : 'Result =
        let directory = Path.GetDirectoryName(Path.GetFullPath script)
        let name = Path.GetFileNameWithoutExtension script
        let copy = Path.Combine(directory, $"{name}_notebook_{Environment.ProcessId}.fsx")

        try
            try
                File.WriteAllText(copy, text)
            with
            | :? IOException
            | :? UnauthorizedAccessException as cause ->
                raise (
                    UserException(
                        directory,
                        "a directory that a copy of the script can be written to",
                        cause.Message,
                        "copy the script to a directory of your own"
                    )
                )

            action copy
        finally
            File.Delete copy

    /// The outputs of each of `count` code cells, and the last cell that began; `count` where the script came to its end.
    let private outputs count (printed: string) : CellOutput list list * int =
        let cells = Array.init (count + 1) (fun _ -> ResizeArray<CellOutput>())
        let mutable cell = 0

        for part in ShowFrame.parse printed do
            match part with
            | Choice1Of2 words -> cells[cell].Add(CellOutput.Words(words.ReplaceLineEndings "\n"))
            | Choice2Of2(ShowFrame.Cell index) -> cell <- index
            | Choice2Of2(ShowFrame.Output contents) -> cells[cell].Add(CellOutput.Contents contents)

        [ for cell in cells[.. count - 1] -> List.ofSeq cell ], cell

    /// The script's notebook, as text. Raises UserException where it does not run through.
    let make (script: string) : string =
        ScriptHost.mustBeThere script
        let cells = PlainText.Read script |> Literate.cells

        let lines =
            cells
            |> List.choose (function
                | Cell.Code(_, line) -> Some line
                | Cell.Markdown _ -> None)

        let code, printed =
            withCopy script (Instrument.script cells) (fun copy ->
                ScriptHost.capture script copy (ShowFrame.variable, "frames"))

        let outputs, last = outputs lines.Length printed

        // A script may end itself in its last cell, as one that trains does.
        if code <> 0 || last < lines.Length - 1 then
            raise (
                UserException(
                    $"{script}, cell {last + 1} (line {lines[min last (lines.Length - 1)]})",
                    "a script that runs to its end",
                    $"exit code {code}",
                    "see what it said above; no notebook was written"
                )
            )

        NotebookJson.write cells outputs
