namespace ModNet.Cli

open System
open System.Text.RegularExpressions

/// What the F# compiler says about one place of a script.
type CompilerError = {
    /// The script, as the compiler was given it.
    Path: string
    /// From 1, as in the message.
    Line: int
    /// From 1, as in the message.
    Column: int
    /// Such as FS0001.
    Code: string
    /// The whole text, its lines joined by single blanks.
    Text: string
}

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module CompilerError =

    let private opening = Regex @"^(.+)\((\d+),(\d+)\): error (FS\d+): (.*)$"

    /// Whether an error begins in this line of the compiler's output.
    let beginsIn (line: string) : bool = opening.IsMatch line

    /// The error whose message stands in these lines.
    let ofLines (lines: string list) : CompilerError option =
        match lines with
        | first :: rest when beginsIn first ->
            let found = (opening.Match first).Groups

            Some {
                Path = found[1].Value
                Line = int found[2].Value
                Column = int found[3].Value
                Code = found[4].Value
                Text = found[5].Value :: rest |> Seq.map _.Trim() |> Seq.filter ((<>) "") |> String.concat " "
            }
        | _ -> None
