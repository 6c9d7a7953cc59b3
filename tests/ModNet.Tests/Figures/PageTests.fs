/// The report as a page: whole, harmless, offline.
module ModNet.Tests.PageTests

open System
open System.IO
open System.Security.Cryptography
open System.Text
open System.Text.RegularExpressions
open Expecto
open ModNet
open ModNet.Figures

let private within (use': string -> unit) =
    let folder = Directory.CreateTempSubdirectory "modnet-report-"

    try
        use' folder.FullName
    finally
        folder.Delete(recursive = true)

let private write folder name (text: string) = File.WriteAllText(Path.Combine(folder, name), text)

let private hostile = "<script>alert('x')</script>"

let private example: Report = {
    Report.Title = hostile
    Summary = [ hostile, hostile ]
    Command = Some hostile
    Sections = [
        Section.figure
            hostile
            hostile
            (Panel.series [ Draw.Line(hostile, [| 1.0 |], [| 1.0 |]) ] |> Panel.title hostile)
        Section.matrices "H_a" "" [ hostile, array2D [ [ 1.0; -0.25 ] ] ]
        Section.make hostile [ Content.Table([ hostile ], [ [ hostile ] ]) ]
    ]
    Spec = Some $"{{\"name\": \"{hostile}\"}}"
    Files = [ hostile, 12L ]
}

/// The page without plotly.js and the look, which are not ours to judge and speak of addresses that they never load.
let private own (page: string) =
    let page = Regex.Replace(page, "<style>.*?</style>", "", RegexOptions.Singleline)
    Regex.Replace(page, "<script>.*?</script>", "", RegexOptions.Singleline)

let private pages = [
    testCase "names from users stay text, wherever they stand" (fun () ->
        let page = Report.html example
        Expect.isFalse (page.Contains hostile) "no script of theirs"
        Expect.equal (Regex.Count(page, "<script[ >]")) 3 "figure data, plotly.js and ours"
        Expect.stringContains page "&lt;script&gt;" "but their text")

    testCase "the page asks the network for nothing" (fun () ->
        let page = Report.html example
        Expect.stringContains page "default-src 'none'" "the browser is told so"
        let ours = own page
        Expect.isNotMatch ours "https?:" "no address"
        Expect.isNotMatch ours @"(src|href)\s*=\s*""(?!data:,""|\./)" "only files beside the report"

        let style = Regex.Match(page, "<style>(.*?)</style>", RegexOptions.Singleline).Groups[1].Value

        Expect.isNotMatch style @"url\(|@import" "nor does the style")

    testCase "symbols are typeset, matrices shown" (fun () ->
        let page = Report.html example
        Expect.stringContains page "<h2>H<sub>a</sub></h2>" "heading"
        Expect.stringContains page "<td>1.000</td><td>−0.250</td>" "cells")

    testCase "plotly.js is the one that assets/README.md names" (fun () ->
        let readme =
            File.ReadAllText(Path.Combine(__SOURCE_DIRECTORY__, "../../../dsl/ModNet.Figures/assets/README.md"))

        let page = Report.html example

        let start = page.IndexOf("<script>\n", StringComparison.Ordinal) + "<script>\n".Length

        let stop = page.LastIndexOf("\n</script>\n<script>", StringComparison.Ordinal)
        let script = page[start .. stop - 1]

        let sum = script |> Encoding.UTF8.GetBytes |> SHA256.HashData |> Convert.ToHexStringLower

        Expect.stringContains readme sum "SHA-256"

        let version = Regex.Match(script, @"plotly\.js \(cartesian - minified\) v([\d.]+)").Groups[1].Value

        Expect.stringContains readme $"plotly.js {version}," "version"
        Expect.stringContains script "Licensed under the MIT license" "licence")
]

let private metrics =
    [
        for step in 1..20 do
            $"""{{"step":{step},"phase":"train","loss":{20 - step},"perplexity":{200 - step},"selection_entropy":0.5,"batch_selection_entropy":1.5,"modules_used":5}}"""
        """{"step":20,"phase":"validation","perplexity":190}"""
        """{"step":21,"ph"""
    ]
    |> String.concat "\n"

let private runs = [
    testCase "a run folder makes a report with its standard sections" (fun () ->
        within (fun folder ->
            write folder "metrics.jsonl" metrics

            write
                folder
                "spec.json"
                """{"pools":[{"name":"words","modules":5}],"experiment":{"method":{"kind":"em","samples":10,"m_steps":15,
                    "batch":32,"optimizer":{"kind":"adam","rate":0.001},"start":"at_random"}}}"""

            write folder "a&b #1.txt" "x"

            write
                folder
                "summary.json"
                """{"command":"./modnet demo","seed":7,"seconds":75,"agreement":0.995,"versions":{"modnet":"0.1.0+0123456789abcdef","libtorch":"1.13.1"},
                    "data":{"kind":"mnist","files":[{"name":"a","sha256":"0b36"},{"name":"b","sha256":"7d1f"}],"train":55000},
                    "final":{"loss":0.5,"batch_selection_entropy":1.5},"test":{"perplexity":230.25}}"""

            let report = Report.ofRun folder
            Expect.equal report.Command (Some "./modnet demo") "command"

            Expect.equal report.Summary [ "seed", "7"; "time", "1 min 15 s"; "agreement", "99.5 %" ] "facts"

            Expect.equal
                (report.Sections |> List.map _.Heading)
                [ "Results"; "Settings"; "Loss"; "Perplexity"; "Selection entropies"; "Modules used" ]
                "sections"

            match report.Sections.Head.Contents with
            | [ Content.Table(headings, rows) ] ->
                Expect.equal headings [ ""; "train"; "test" ] "headings"

                Expect.equal
                    rows
                    [ [ "loss"; "0.5"; "" ]; [ "H_b [nats]"; "1.5"; "" ]; [ "perplexity"; ""; "230.2" ] ]
                    "rows"
            | other -> failtestf "Expected a table, got %A" other

            match report.Sections[1].Contents with
            | [ Content.Table(_, rows) ] ->
                Expect.equal
                    rows
                    [
                        [ "training method"; "EM" ]
                        [ "S, samples in an E-step"; "10" ]
                        [ "M-steps between two E-steps"; "15" ]
                        [ "batch"; "32" ]
                        [ "optimiser"; "Adam" ]
                        [ "learning rate"; "0.001" ]
                        [ "a* at the start"; "at random" ]
                        [ "data"; "mnist" ]
                        [ "data: files"; "2" ]
                        [ "data: train"; "55,000" ]
                        [ "ModNet"; "0.1.0, commit 0123456789" ]
                        [ "libtorch"; "1.13.1" ]
                    ]
                    "settings"
            | other -> failtestf "Expected a table, got %A" other

            write folder "run.lock" "7"
            let path = Path.Combine(folder, "report.html")
            Report.write path (Report.ofRun folder)
            let page = File.ReadAllText path
            Expect.stringContains page "log 5" "M is known from the spec"
            Expect.stringContains page "href=\"./a%26b%20%231.txt\"" "a link to a file"

            Expect.isFalse (page.Contains "run.lock") "no link to the lock"
            File.Delete(Path.Combine(folder, "run.lock"))

            Expect.equal
                (Directory.GetFiles folder |> Array.map Path.GetFileName |> Array.sort)
                [| "a&b #1.txt"; "metrics.jsonl"; "report.html"; "spec.json"; "summary.json" |]
                "nothing unfinished is left"))

    testCase "a run that has logged nothing yet has a report" (fun () ->
        within (fun folder ->
            write folder "spec.json" "{ not finished"
            write folder "summary.json" ""
            let report = Report.ofRun folder
            Expect.isEmpty report.Sections "sections"
            Expect.stringContains (Report.html report) "{ not finished" "the spec as it stands"))

    testCase "lines that cannot be read are mentioned" (fun () ->
        within (fun folder ->
            write folder "metrics.jsonl" "nonsense\n{}\n"
            let remarks = Report.standard folder |> List.last
            Expect.equal remarks.Heading "Remarks" "heading"

            match remarks.Contents with
            | [ Content.Prose text ] -> Expect.stringStarts text "2 lines" "count"
            | other -> failtestf "Expected prose, got %A" other))

    testCase "a folder that is not there is named" (fun () ->
        Expect.throwsC (fun () -> Report.ofRun "no/such/run" |> ignore) (fun e ->
            Expect.stringStarts e.Message "no/such/run: expected a run folder" "message"))

    testCase "pools that differ in size leave M open" (fun () ->
        within (fun folder ->
            write folder "metrics.jsonl" metrics
            write folder "spec.json" """{"pools":[{"modules":5},{"modules":3}]}"""
            Expect.isFalse ((Report.ofRun folder |> Report.html).Contains "log 5") "no reference line"))

    testCase "a long run's report stays small" (fun () ->
        within (fun folder ->
            use log = new StreamWriter(Path.Combine(folder, "metrics.jsonl"))

            for step in 1..50_000 do
                let noise = float (step * 7919 % 1000) / 1000.0

                log.WriteLine(
                    FormattableString.Invariant
                        $"{{\"step\":{step},\"phase\":\"train\",\"loss\":{noise},\"perplexity\":{noise + 1.0},\"selection_entropy\":{noise},\"batch_selection_entropy\":{noise}}}"
                )

            log.Flush()

            let empty = Report.html { Report.ofRun folder with Sections = [] }

            let full = Report.ofRun folder |> Report.html
            Expect.isLessThan (full.Length - empty.Length) 500_000 "characters for the figures"))
]

let private words = [
    testCase "numbers are short" (fun () ->
        let written = [ 0.693147; 1204.0; 1204.56; -2.5; 3.14159e-7; 0.0; nan; infinity; -infinity ]

        Expect.equal
            (written |> List.map Label.number)
            [ "0.6931"; "1,204"; "1,204.6"; "−2.5"; "3.142e-07"; "0"; "not a number"; "∞"; "−∞" ]
            "numbers")

    testCase "durations are as a person says them" (fun () ->
        Expect.equal
            ([ 0.84; 41.3; 200.0; 7500.0; 59.7 ] |> List.map Label.duration)
            [ "0.8 s"; "41 s"; "3 min 20 s"; "2 h 05 min"; "1 min 00 s" ]
            "durations")

    testPropertyWithConfig FsCheckConfig.defaultConfig "no text can open a tag" (fun (text: string) ->
        let text = if isNull text then "" else text
        let bare = Regex.Replace(Label.typeset text, "</?sub>", "")
        let escaped = Label.escape text
        // Only escaped text may stand in an attribute.
        not (bare.Contains '<') && not (escaped.Contains '<') && not (escaped.Contains '"'))
]

[<Tests>]
let tests = testList "report" [ testList "page" pages; testList "run folder" runs; testList "label" words ]
