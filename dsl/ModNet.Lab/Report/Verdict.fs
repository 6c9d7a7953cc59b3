namespace ModNet

open System.Text.Json.Nodes

/// What a kind of data adds to the outcome of a run, beyond what every run has.
type Verdict = {
    /// Fields added to `summary.json`.
    Summary: (string * JsonNode) list
    /// Lines for the terminal.
    Lines: string list
    /// Sections that open the report of a run folder.
    Sections: string -> Section list
}

/// Makes verdicts.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Verdict =

    /// A line that a run ends with: what it is, in a column as wide as the longest of these names, and its value.
    let internal line (name: string) (value: string) : string = $"%-40s{name}{value}"

    /// Adds nothing.
    let none: Verdict = { Summary = []; Lines = []; Sections = fun _ -> [] }
