namespace ModNet

open ModNet.Figures

/// What a study claims, beside what was measured of it.
[<RequireQualifiedAccess>]
module Criteria =

    /// How a table says whether a criterion is met.
    /// Example: `Criteria.word (0.9 < 0.8)`
    let word (isMet: bool) : string = if isMet then "met" else "missed"

    /// A criterion, what was measured, and whether it is met, as a row of `section`.
    /// Example: `Criteria.row "agreement ≥ 0.9" "0.95" (0.95 >= 0.9)`
    let row (criterion: string) (measured: string) (isMet: bool) : string list = [ criterion; measured; word isMet ]

    /// Such rows as a section of a study's report.
    /// Example: `Criteria.section "Criteria" [ Criteria.row "agreement ≥ 0.9" "0.95" true ]`
    let section (heading: string) (rows: string list list) : Section =
        Section.make heading [ Content.Table([ "criterion"; "measured"; "" ], rows) ]
