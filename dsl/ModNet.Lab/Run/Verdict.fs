namespace ModNet

open System.Text.Json.Nodes

/// What a kind of data has to say about a trained graph, beyond what every run says.
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

    /// Nothing beyond what every run says.
    let none: Verdict = { Summary = []; Lines = []; Sections = fun _ -> [] }
