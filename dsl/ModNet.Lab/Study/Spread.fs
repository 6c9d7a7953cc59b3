namespace ModNet

open System
open System.Globalization
open ModNet.Figures

/// Measured values as a table says them.
[<RequireQualifiedAccess>]
module internal Spread =

    /// Three decimals; very small ones by their power of ten.
    let number (value: float) : string =
        if value <> 0.0 && abs value < 0.001 then
            Label.number value
        else
            value.ToString("#,0.000", CultureInfo.InvariantCulture).Replace('-', '−')

    /// The mean, and of several the smallest and the largest.
    let values (values: float list) : string =
        match values with
        | [] -> "–"
        | [ one ] -> number one
        | several -> $"{number (List.average several)} ({number (List.min several)}–{number (List.max several)})"

    let paper (value: PaperValue option) : string =
        match value with
        | Some(PaperValue.Number value) -> number value
        | Some(PaperValue.Words words) -> words
        | None -> "–"

    /// How far the mean is from the paper's number, also in hundredths of that.
    let difference (values: float list) (paper: PaperValue option) : string =
        match values, paper with
        | _ :: _, Some(PaperValue.Number paper) ->
            let off = List.average values - paper
            let sign = if off > 0.0 then "+" else ""
            let by = off.ToString("#,0.000", CultureInfo.InvariantCulture).Replace('-', '−')

            let share =
                if paper = 0.0 then
                    ""
                else
                    let percent = (100.0 * off / abs paper).ToString("0.0", CultureInfo.InvariantCulture)

                    $" ({sign}{percent.Replace('-', '−')} %%)"

            $"{sign}{by}{share}"
        | _ -> "–"

    /// Minutes of a run, the mean of several.
    let minutes (seconds: float list) : string =
        match seconds with
        | [] -> "–"
        | seconds -> (List.average seconds / 60.0).ToString("0.0", CultureInfo.InvariantCulture)

    /// `1–3` or `1, 4`.
    let seeds (seeds: int list) : string =
        match seeds with
        | [] -> "–"
        | first :: _ :: _ :: _ when seeds = [ first .. List.last seeds ] -> $"{first}–{List.last seeds}"
        | several -> several |> List.map string |> String.concat ", "
