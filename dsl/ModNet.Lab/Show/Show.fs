namespace ModNet

open System
open System.Collections.Generic
open System.IO
open System.Text.Json.Nodes
open ModNet.Figures
open ModNet.Runtime
open Plotly.NET

/// Shows drawings and figures where a script runs: in a notebook below the cell; in a plain run as a file, whose path is printed.
[<RequireQualifiedAccess>]
module Show =

    let private folder = lazy (Directory.CreateTempSubdirectory "modnet-show-").FullName

    let mutable private shown = 0

    let private asksForFrames = Environment.GetEnvironmentVariable ShowFrame.variable = "frames"

    /// Shows contents as a frame, or through a kernel (with its own media type and contents), or as a file with this ending.
    let private show
        (mediaType: string, contents: JsonNode)
        (inKernel: string * (unit -> string))
        (words: string)
        (ending: string, file: unit -> string)
        =
        // A script may show things and train nothing.
        Host.declare ()

        if asksForFrames then
            [ KeyValuePair(mediaType, contents); KeyValuePair("text/plain", JsonValue.Create words) ]
            |> JsonObject
            |> ShowFrame.Output
            |> ShowFrame.write
            |> Console.Out.Write
        elif not (inKernel ||> Kernel.tryDisplay) then
            shown <- shown + 1
            let path = Path.Combine(folder.Value, $"{shown}{ending}")
            WholeFile.Write(path, file ())
            printfn $"{words}: {path}"

    /// Shows an SVG picture. `words` describe it where pictures cannot be seen.
    /// Example: `Show.svg "a circle" "<svg xmlns='http://www.w3.org/2000/svg'><circle r='9'/></svg>"`
    let svg (words: string) (svg: string) : unit =
        let picture () = svg
        show ("image/svg+xml", JsonValue.Create svg) ("image/svg+xml", picture) words (".svg", picture)

    /// Shows a network's drawing; raises UserException with all that is wrong with a network that is not sound.
    /// Example: `Show.network toy`
    let network (network: Network) : unit =
        Network.to_svg network |> Refusal.orRaise |> svg $"a drawing of the network {network.Name}"

    /// Does the action where pictures appear below the script's cells, and nothing in a plain run.
    let internal whereAsked (action: unit -> unit) : unit = if asksForFrames then action ()

    let private page (words: string) (figure: GenericChart) : Report = {
        Report.Title = words
        Summary = []
        Command = None
        Sections = [ Section.make words [ Content.Chart figure ] ]
        Spec = None
        Files = []
    }

    /// The page in a frame of the figure's height. .NET Interactive passes plotly's own media type on as text, which no front end of a notebook draws.
    let private framed (figure: GenericChart) (page: string) : string =
        let height =
            match (GenericChart.getLayout figure).TryGetPropertyValue "height" with
            | Some(:? int as height) -> height
            | _ -> 450

        $"<iframe srcdoc=\"{Label.escape page}\" style=\"width: 100%%; height: {height + 280}px; border: 0\"></iframe>"

    /// Shows a Plotly.NET chart. `words` describe it where figures cannot be seen.
    /// Example: `Panel.series [ Draw.Line("loss", [| 1.0; 2.0 |], [| 0.7; 0.5 |]) ] |> Show.figure "loss"`
    let figure (words: string) (figure: GenericChart) : unit =
        let whole () = Report.html (page words figure)

        show
            ("application/vnd.plotly.v1+json", JsonNode.Parse(ChartJson.ofChart figure))
            ("text/html", whole >> framed figure)
            words
            (".html", whole)

    /// Shows a section of a report: its captions as words, its figures as pictures, its tables in aligned columns.
    /// Example: `Section.make "Remarks" [ Content.Prose "none" ] |> Show.section`
    let section (section: Section) : unit =
        printfn $"{section.Heading}"

        for content in section.Contents do
            match content with
            | Content.Prose text -> printfn $"{text}"
            | Content.Chart chart -> figure section.Heading chart
            | Content.Drawing picture -> svg section.Heading picture
            | Content.Table(headings, rows)
            | Content.Searchable(headings, rows) ->
                headings :: rows
                |> List.map (List.map VisibleText.Word)
                |> Columns.lines (fun index -> index = 0)
                |> List.iter (printfn "%s")
            | Content.Matrices matrices ->
                for name, matrix in matrices do
                    printfn $"{name}\n%A{matrix}"
