namespace ModNet.Cli

open ModNet

/// A script that also tells which cell it is in.
[<RequireQualifiedAccess>]
module Instrument =

    let private literal (text: string) =
        text
        |> Seq.map (fun c -> if c < ' ' || c = '"' || c = '\\' then $"\\u{int c:x4}" else string c)
        |> String.concat ""

    /// Says so when code cell `index` begins.
    let private statement index =
        let frame = literal (ShowFrame.write (ShowFrame.Cell index))
        $"System.Console.Out.Write \"{frame}\""

    /// The script with a statement in place of the Markdown before each code cell. Every line of code stays where it is, so
    /// that the compiler's messages fit; at the end the script says that it has come to it.
    let script (cells: Cell list) : string =
        let code =
            cells
            |> List.choose (function
                | Cell.Code(lines, line) -> Some(lines, line)
                | Cell.Markdown _ -> None)

        let place (written: string list, index) (lines: string list, line) =
            // A first line of the script has none above it, and needs no telling.
            let before = line - 1 - written.Length

            let gap = if before = 0 then [] else statement index :: List.replicate (before - 1) ""

            written @ gap @ lines, index + 1

        let lines, count = List.fold place ([], 0) code
        String.concat "\n" (lines @ [ statement count; "" ])
