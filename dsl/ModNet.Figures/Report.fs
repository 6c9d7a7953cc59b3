namespace ModNet

open ModNet.Figures
open Plotly.NET

/// What a section of a report holds; all text is plain text, `H_a` is typeset with its subscript.
[<RequireQualifiedAccess>]
type Content =
    | Prose of string
    /// A Plotly.NET chart, by the house's functions (`Panel`, `Figure`) or by Plotly.NET's own.
    | Chart of GenericChart
    /// A picture as SVG text, shown as it stands.
    | Drawing of svg: string
    /// Column headings, then rows of as many cells.
    | Table of headings: string list * rows: string list list
    /// A table with a search field above it, which hides all rows without the words that a reader types.
    | Searchable of headings: string list * rows: string list list
    /// Named matrices beside each other.
    | Matrices of (string * float[,]) list

[<RequireQualifiedAccess>]
type Section = { Heading: string; Contents: Content list }

/// What `report.html` of a run shows, from top to bottom.
[<RequireQualifiedAccess>]
type Report = {
    Title: string
    /// The most important facts, name and value.
    Summary: (string * string) list
    /// The command that made the run.
    Command: string option
    Sections: Section list
    /// The spec as JSON text.
    Spec: string option
    /// Files beside the report: name and size in bytes.
    Files: (string * int64) list
}

[<RequireQualifiedAccess>]
module Section =
    let make (heading: string) (contents: Content list) : Section = { Section.Heading = heading; Contents = contents }

    /// A heading, a caption and a figure.
    let figure (heading: string) (caption: string) (figure: GenericChart) : Section =
        make heading [ Content.Prose caption; Content.Chart figure ]

    /// A heading, a caption and a drawing as SVG text.
    let drawing (heading: string) (caption: string) (svg: string) : Section =
        make heading [ Content.Prose caption; Content.Drawing svg ]

    /// Matrices that were learned beside the true ones; a caption says what to compare.
    let matrices (heading: string) (caption: string) (named: (string * float[,]) list) : Section =
        make heading [ Content.Prose caption; Content.Matrices named ]
