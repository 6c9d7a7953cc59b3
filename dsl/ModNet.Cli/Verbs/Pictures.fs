namespace ModNet.Cli.Verbs

open System
open System.Collections.Generic
open System.CommandLine
open System.IO
open System.Text.RegularExpressions
open ModNet
open ModNet.Cli
open ModNet.Runtime
open PuppeteerSharp

/// `./modnet pictures REPORT`: the figures of a report as PNG files, drawn by an installed browser from nothing but the report.
[<RequireQualifiedAccess>]
module Pictures =

    let private help = "Write the figures of a report as PNG files beside it; needs Chromium."

    let private report = Argument<string>("REPORT", Description = "a report.html, or the folder that it is in")

    /// At this width of the window a figure is 920 pixels wide.
    let private windowWidth = 1000

    /// In the page: heading and picture (a data URL) of every figure.
    let private draw =
        "async () => {
            const drawn = [];
            for (const box of document.querySelectorAll('figure.chart .plot')) {
                const { width, height } = box._fullLayout;
                const picture = await Plotly.toImage(box, { format: 'png', width, height });
                drawn.push([box.parentElement.getAttribute('aria-label'), picture]);
            }
            return drawn;
        }"

    /// How a browser is started that reaches nothing.
    let launch (browser: string) =
        LaunchOptions(
            ExecutablePath = browser,
            Headless = true,
            Args = [|
                // No name leads anywhere: whatever a page asks for, nothing leaves the machine.
                "--host-resolver-rules=\"MAP * ~NOTFOUND\""
                // Chromium refuses to start as root with it.
                if Environment.UserName = "root" then "--no-sandbox"
            |]
        )

    let private drawn (browser: string) (page: string) : string array array =
        task {
            use! browser = Puppeteer.LaunchAsync(launch browser)
            use! tab = browser.NewPageAsync()
            do! tab.SetViewportAsync(ViewPortOptions(Width = windowWidth, Height = 800))
            let! _ = tab.GoToAsync(Uri(Path.GetFullPath page).AbsoluteUri)
            return! tab.EvaluateFunctionAsync<string array array> draw
        }
        |> _.GetAwaiter().GetResult()

    /// Letters and digits of a heading with dashes between; a number tells figures of one heading apart.
    let private namesOf (headings: string seq) : string list =
        let seen = Dictionary<string, int>()

        [
            for heading in headings do
                let name = Regex.Replace(heading.ToLowerInvariant(), "[^a-z0-9]+", "-").Trim '-'
                let name = if name = "" then "figure" else name
                let count = 1 + seen.GetValueOrDefault name
                seen[name] <- count
                if count = 1 then name else $"{name}-{count}"
        ]

    /// Writes them and says where. Raises UserException where there is no report or no browser, or where it does not draw.
    let private run (path: string) : int =
        let page = if Directory.Exists path then Path.Combine(path, "report.html") else path

        if not (File.Exists page) then
            raise (UserException(page, "a report", NearWord.NothingAt path, "give a report.html, or its folder"))

        let browser = Browser.find ()

        let figures =
            try
                drawn browser page
            with
            | :? ProcessException
            | :? PuppeteerException
            | :? TimeoutException as refused ->
                // What the browser itself said comes last.
                let why = refused.Message.Trim().Split '\n' |> Array.last

                raise (
                    UserException(
                        browser,
                        "a browser that draws the report",
                        why,
                        $"set {Browser.variable} to another one"
                    )
                )

        let folder = Path.GetDirectoryName(Path.GetFullPath page)

        for name, figure in Seq.zip (figures |> Seq.map Array.head |> namesOf) figures do
            let picture = Convert.FromBase64String(figure[1].Substring(figure[1].IndexOf ',' + 1))

            let file = Path.Combine(folder, name + ".png")
            WholeFile.Write(file, fun stream -> stream.Write picture)
            printfn $"picture: {file}"

        CommandLine.Exit.ok

    let verb = Verb.create "pictures" help [ report ] [] (Action.Parsed(fun parsed -> run (parsed.GetValue report)))
