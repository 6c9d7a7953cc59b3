namespace ModNet.Figures

open System
open System.Globalization
open System.Net
open System.Text.RegularExpressions

/// Turns plain text into markup. Texts in figures and reports are plain: nothing in them can become a tag.
[<RequireQualifiedAccess>]
module Label =
    let private subscripted = Regex(@"\b([A-Za-z])_([A-Za-z0-9])\b", RegexOptions.Compiled)

    /// Text with `<`, `>`, `&` and quotes made harmless, for HTML content and attribute values.
    let escape (text: string) : string = WebUtility.HtmlEncode text

    /// Escaped text in which `H_a` is typeset with a subscript, as the paper's symbols are. Plotly reads the same markup.
    let typeset (text: string) : string =
        // Quotes end nothing in a text, and plotly would show `&quot;` as it stands.
        let harmless = text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;")
        subscripted.Replace(harmless, "$1<sub>$2</sub>")

    /// A text of at most so many characters; where it was longer, it ends in `…`.
    let shortened (most: int) (text: string) : string =
        let whole = StringInfo text

        if whole.LengthInTextElements <= most then text else whole.SubstringByTextElements(0, most - 1) + "…"

    /// Four significant digits, thousands separated: `0.6931`, `1,204`, `−2.5`, `3.1e-07`.
    let number (value: float) : string =
        let size = abs value

        let written (format: string) = size.ToString(format, CultureInfo.InvariantCulture)

        let digits =
            if not (Double.IsFinite value) then "∞"
            elif size >= 1e15 then written "0.###e+00"
            elif value = Math.Round value then written "#,0"
            elif size >= 1000.0 then written "#,0.#"
            elif size < 1e-3 then written "0.###e+00"
            else written "G4"

        if Double.IsNaN value then "not a number"
        elif value < 0.0 then "−" + digits
        else digits

    /// A duration as a person would say it: `0.8 s`, `41 s`, `3 min 20 s`, `2 h 05 min`.
    let duration (seconds: float) : string =
        // A clock that gives more than a thousand years, or no number, is wrong: its value is shown as it is.
        let isTime = Double.IsFinite seconds && abs seconds < 3.2e10

        let whole = if isTime then TimeSpan.FromSeconds(Math.Round seconds) else TimeSpan.Zero

        if not isTime then $"{number seconds} s"
        elif seconds < 10.0 then $"{number (Math.Round(seconds, 1))} s"
        elif whole.TotalMinutes < 1.0 then $"{whole.Seconds} s"
        elif whole.TotalHours < 1.0 then $"{whole.Minutes} min {whole.Seconds:D2} s"
        else $"{int whole.TotalHours} h {whole.Minutes:D2} min"
