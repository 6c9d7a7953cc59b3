namespace ModNet.Figures

open System
open System.Globalization
open System.Text.Encodings.Web
open System.Text.Json
open System.Text.Json.Nodes
open Giraffe.ViewEngine
open ModNet

/// A report as one HTML page that needs nothing but itself.
module internal Page =
    /// Tells the browser itself to load nothing: no request leaves the page, whatever a name or a figure contains.
    let private policy =
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"

    /// Plain text in which `H_a` is typeset with its subscript. `Label.typeset` has made everything else harmless.
    let private typeset (text: string) = rawText (Label.typeset text)

    let private lines (nodes: XmlNode list) = nodes |> List.collect (fun node -> [ node; rawText "\n" ])

    /// Whether a text has more letters than anything else; numbers with their units have not.
    let private isProse (text: string) =
        2 * (text |> Seq.filter Char.IsLetter |> Seq.length) > text.Length && text.Length > 8

    let private values (headings: string list) (rows: string list list) =
        let isWords i =
            let column = rows |> List.choose (List.tryItem i) |> List.filter (fun text -> text.Length > 1)
            not column.IsEmpty && List.forall isProse column

        // A column of words begins at its left, numbers end at their right.
        let words = headings |> List.mapi (fun i _ -> isWords i) |> Array.ofList

        let row cell (texts: string list) =
            tr
                []
                (texts
                 |> List.mapi (fun i text ->
                     cell [ if i < words.Length && words[i] then _class "words" ] [ typeset text ]))

        div [ _class "scroll" ] [
            table [ _class "values" ] [ thead [] [ row th headings ]; tbody [] (rows |> List.map (row td) |> lines) ]
        ]

    let private matrix (name: string, values: float[,]) =
        // Three decimals in every cell, so that columns compare at a glance.
        let cell (value: float) =
            td [] [ typeset (value.ToString("0.000", CultureInfo.InvariantCulture).Replace('-', '−')) ]

        figure [] [
            figcaption [] [ typeset name ]
            table [ _class "matrix" ] [
                for i in 0 .. Array2D.length1 values - 1 -> tr [] [ for value in values[i, *] -> cell value ]
            ]
        ]

    let private content (heading: string) (what: Content) =
        match what with
        | Content.Prose text -> p [] [ typeset text ]
        | Content.Chart chart ->
            figure [ _class "chart"; attr "role" "group"; attr "aria-label" heading ] [
                div [ _class "plot" ] []
                // Every `<` in the JSON is escaped, so it cannot end its script element.
                script [ _type "application/json" ] [ rawText (ChartJson.ofChart chart) ]
            ]
        | Content.Drawing svg -> div [ _class "drawing"; _tabindex "0" ] [ rawText ("\n" + svg) ]
        | Content.Table(headings, rows) -> values headings rows
        | Content.Searchable(headings, rows) ->
            div [ _class "searchable" ] [
                input [ _type "search"; _placeholder "filter rows"; attr "aria-label" "filter rows" ]
                values headings rows
            ]
        | Content.Matrices matrices -> div [ _class "matrices" ] (List.map matrix matrices)

    let private part (heading: string) (contents: XmlNode list) =
        section [] (lines (h2 [] [ typeset heading ] :: contents))

    let private facts (facts: (string * string) list) =
        dl [ _class "summary" ] [
            for name, value in facts -> div [] [ dt [] [ typeset name ]; dd [] [ encodedText value ] ]
        ]

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
        part "Spec" [
            details [] [
                summary [] [ str "The network and its training, as data" ]
                pre [] [ encodedText (indented json) ]
            ]
        ]

    let private size (bytes: int64) =
        if bytes < 1000L then $"{bytes} B"
        elif bytes < 1_000_000L then $"{Label.number (Math.Round(float bytes / 1e3, 1))} kB"
        else $"{Label.number (Math.Round(float bytes / 1e6, 1))} MB"

    let private files (files: (string * int64) list) =
        part "Files" [
            ul [ _class "files" ] [
                for name, bytes in files ->
                    let address = "./" + (name.Split '/' |> Array.map Uri.EscapeDataString |> String.concat "/")
                    li [] [ a [ _href address ] [ encodedText name ]; span [] [ str (size bytes) ] ]
            ]
        ]

    /// The page of a report.
    let ofReport (report: Report) : string =
        html [ _lang "en" ] [
            head
                []
                (lines [
                    meta [ _charset "utf-8" ]
                    rawText $"<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">"
                    meta [ _name "generator"; _content "ModNet" ]
                    meta [ _name "viewport"; _content "width=device-width, initial-scale=1" ]
                    link [ _rel "icon"; _href "data:," ]
                    title [] [ encodedText report.Title ]
                    style [] [ rawText ("\n" + Asset.text "report.css") ]
                ])
            body
                []
                (lines [
                    h1 [] [ encodedText report.Title ]
                    if not report.Summary.IsEmpty then facts report.Summary
                    for command in Option.toList report.Command do
                        pre [] [ code [] [ encodedText command ] ]
                    noscript [] [
                        p [] [ str "The figures are drawn by a script in this page; it is switched off here." ]
                    ]
                    for section in report.Sections do
                        part section.Heading (section.Contents |> List.map (content section.Heading))
                    yield! report.Spec |> Option.toList |> List.map spec
                    if not report.Files.IsEmpty then files report.Files
                    script [] [ rawText ("\n" + Asset.plotly () + "\n") ]
                    script [] [ rawText ("\n" + Asset.text "report.js") ]
                ])
        ]
        |> RenderView.AsString.htmlDocument
