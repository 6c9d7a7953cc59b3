namespace ModNet.Cli

open System

/// A cell of a notebook, with its lines.
[<RequireQualifiedAccess>]
type Cell =
    | Markdown of string list
    /// The code, and the line of the script that it begins at, from 1.
    | Code of string list * line: int

/// Scripts in which blocks `(** … *)` at the start of a line hold Markdown, and code stands between them.
[<RequireQualifiedAccess>]
module Literate =

    let private opens (line: string) =
        line.StartsWith("(**", StringComparison.Ordinal)
        && not (line.StartsWith("(***", StringComparison.Ordinal))
        && not (line.StartsWith("(**)", StringComparison.Ordinal))

    let private closes (line: string) = line.TrimEnd().EndsWith("*)", StringComparison.Ordinal)

    let private trimmed (lines: string list) =
        let isBlank (line: string) = String.IsNullOrWhiteSpace line

        lines |> List.skipWhile isBlank |> List.rev |> List.skipWhile isBlank |> List.rev

    let private code line (lines: string list) =
        let blank = lines |> List.takeWhile String.IsNullOrWhiteSpace |> List.length

        match trimmed lines with
        | [] -> []
        | lines -> [ Cell.Code(lines, line + blank) ]

    let private markdown (lines: string list) =
        let text = String.concat "\n" lines
        let inside = text.TrimEnd()[3..]
        let inside = inside.Substring(0, inside.Length - 2)

        match inside.Split '\n' |> List.ofArray |> List.map _.TrimEnd() |> trimmed with
        | [] -> []
        // What stands beside the opening is set off by a space.
        | first :: rest -> [ Cell.Markdown(first.TrimStart() :: rest) ]

    /// The cells in order; a block that is not closed goes on to the end.
    let cells (script: string) : Cell list =
        let rec codeFrom start (taken: string list) line lines =
            match lines with
            | [] -> code start (List.rev taken)
            | (next: string) :: _ when opens next -> code start (List.rev taken) @ markdownFrom [] line lines
            | next :: rest -> codeFrom start (next :: taken) (line + 1) rest

        and markdownFrom taken line lines =
            match lines with
            | [] -> markdown (List.rev ("*)" :: taken))
            | next :: rest when closes next ->
                markdown (List.rev (next :: taken)) @ codeFrom (line + 1) [] (line + 1) rest
            | next :: rest -> markdownFrom (next :: taken) (line + 1) rest

        script.ReplaceLineEndings("\n").Split '\n' |> List.ofArray |> codeFrom 1 [] 1
