namespace ModNet.Figures

open System
open System.Globalization
open System.Text
open System.Text.Encodings.Web
open System.Text.Json
open System.Text.Json.Nodes
open ModNet

/// A report as one HTML page that needs nothing but itself.
module internal Page =
    /// The browser itself is told to load nothing: whatever a name or a figure says, no request leaves the page.
    let private policy =
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"

    let private element name attributes (content: string) =
        let space = if attributes = "" then "" else " "
        $"<{name}{space}{attributes}>{content}</{name}>"

    let private plain name text = element name "" (Label.typeset text)

    let private joined separator (parts: string seq) = String.Join(separator, parts)

    /// More letters than anything else, which numbers with their units have not.
    let private isProse (text: string) =
        2 * (text |> Seq.filter Char.IsLetter |> Seq.length) > text.Length && text.Length > 8

    let private table (headings: string list) (rows: string list list) =
        let isWords i =
            let column = rows |> List.choose (List.tryItem i) |> List.filter (fun text -> text.Length > 1)

            not column.IsEmpty && List.forall isProse column

        // A column of words begins at its left, numbers end at their right.
        let words = headings |> List.mapi (fun i _ -> isWords i) |> Array.ofList

        let row name (cells: string list) =
            cells
            |> List.mapi (fun i text ->
                let attributes = if i < words.Length && words[i] then "class=\"words\"" else ""

                element name attributes (Label.typeset text))
            |> joined ""
            |> element "tr" ""

        let head = row "th" headings |> element "thead" ""
        let body = rows |> List.map (row "td") |> joined "\n" |> element "tbody" ""

        element "table" "class=\"values\"" (head + "\n" + body) |> element "div" "class=\"scroll\""

    /// Three decimals in every cell, so that columns compare at a glance.
    let private cell (value: float) =
        value.ToString("0.000", CultureInfo.InvariantCulture).Replace('-', '−') |> plain "td"

    let private matrix (name: string, values: float[,]) =
        let rows =
            List.init (Array2D.length1 values) (fun i -> values[i, *] |> Seq.map cell |> joined "" |> element "tr" "")

        plain "figcaption" name + element "table" "class=\"matrix\"" (joined "\n" rows) |> element "figure" ""

    /// Figure JSON has every `<` escaped, so it cannot end its script element.
    let private chart (label: string) (figure: Plotly.NET.GenericChart) =
        "<div class=\"plot\"></div>\n" + element "script" "type=\"application/json\"" (ChartJson.ofChart figure)
        |> element "figure" $"class=\"chart\" role=\"group\" aria-label=\"{Label.escape label}\""

    let private content heading =
        function
        | Content.Prose text -> plain "p" text
        | Content.Chart figure -> chart heading figure
        | Content.Drawing svg -> element "div" "class=\"drawing\" tabindex=\"0\"" ("\n" + svg)
        | Content.Table(headings, rows) -> table headings rows
        | Content.Searchable(headings, rows) ->
            "<input type=\"search\" placeholder=\"filter rows\" aria-label=\"filter rows\">\n" + table headings rows
            |> element "div" "class=\"searchable\""
        | Content.Matrices matrices -> matrices |> List.map matrix |> joined "\n" |> element "div" "class=\"matrices\""

    let private section (section: Section) =
        plain "h2" section.Heading + "\n" + (section.Contents |> List.map (content section.Heading) |> joined "\n")
        |> element "section" ""

    let private summary (facts: (string * string) list) =
        facts
        |> List.map (fun (name, value) -> plain "dt" name + element "dd" "" (Label.escape value) |> element "div" "")
        |> joined "\n"
        |> element "dl" "class=\"summary\""

    let private readable =
        JsonSerializerOptions(WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping)

    /// Indented where the text is JSON, as it stands where it is not.
    let private indented (json: string) =
        try
            match JsonNode.Parse json with
            | null -> json
            | node -> node.ToJsonString readable
        with
        | :? JsonException
        | :? InvalidOperationException -> json

    let private spec (json: string) =
        element "h2" "" "Spec"
        + element
            "details"
            ""
            (element "summary" "" "The network and its training, as data"
             + element "pre" "" (indented json |> Label.escape))
        |> element "section" ""

    let private size (bytes: int64) =
        if bytes < 1000L then $"{bytes} B"
        elif bytes < 1_000_000L then $"{Label.number (Math.Round(float bytes / 1e3, 1))} kB"
        else $"{Label.number (Math.Round(float bytes / 1e6, 1))} MB"

    let private files (files: (string * int64) list) =
        let entry (name: string, bytes) =
            let address = "./" + (name.Split '/' |> Array.map Uri.EscapeDataString |> joined "/")

            let link = element "a" $"href=\"{Label.escape address}\"" (Label.escape name)
            element "li" "" (link + element "span" "" (size bytes))

        element "h2" "" "Files" + element "ul" "class=\"files\"" (files |> List.map entry |> joined "\n")
        |> element "section" ""

    let ofReport (report: Report) : string =
        let body =
            joined "\n" [
                element "h1" "" (Label.escape report.Title)
                if not report.Summary.IsEmpty then summary report.Summary
                match report.Command with
                | Some command -> element "pre" "" (element "code" "" (Label.escape command))
                | None -> ()
                "<noscript><p>The figures are drawn by a script in this page; it is switched off here.</p></noscript>"
                yield! report.Sections |> List.map section
                match report.Spec with
                | Some json -> spec json
                | None -> ()
                if not report.Files.IsEmpty then files report.Files
            ]

        StringBuilder()
            .Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
            .Append($"<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n")
            .Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
            .Append("<link rel=\"icon\" href=\"data:,\">\n")
            .Append(element "title" "" (Label.escape report.Title))
            .Append("\n<style>\n")
            .Append(Asset.text "report.css")
            .Append("</style>\n</head>\n<body>\n")
            .Append(body)
            .Append("\n<script>\n")
            .Append(Asset.plotly ())
            .Append("\n</script>\n<script>\n")
            .Append(Asset.text "report.js")
            .Append("</script>\n</body>\n</html>\n")
            .ToString()
