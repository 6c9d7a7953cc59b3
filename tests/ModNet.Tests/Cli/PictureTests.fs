/// Figures as PNG files: `./modnet pictures` and `./modnet reproduce --png`.
module ModNet.Tests.PictureTests

open System
open System.Buffers.Binary
open System.IO
open Expecto
open ModNet
open ModNet.Figures
open ModNet.Runtime
open ModNet.Tests.Clone
open ModNet.Tests.PageAudit
open ModNet.Tests.Values

let private figure =
    Panel.series [ Draw.Line("a", [| 1.0; 2.0 |], [| 1.0; 2.0 |]); Draw.Line("b", [| 1.0; 2.0 |], [| 2.0; 1.0 |]) ]

let private report: Report = {
    Report.Title = "pictures"
    Summary = []
    Command = None
    Sections = [
        Section.figure "Loss, and <b>H_a</b>!" "" figure
        Section.figure "Twice" "" figure
        Section.make "Twice" [ Content.Prose "no figure"; Content.Chart(Figure.grid 1 [ figure; figure ]) ]
        Section.figure "§" "" figure
    ]
    Spec = None
    Files = []
}

let private study =
    let load = Path.Combine(root, "notebooks", "modnet.fsx")

    $"""#load @"{load}"
open ModNet
let toy = network "toy" {{ features 2; modular {{ modules 2; unit (linear 2) }}; gaussian (variance 0.1) }}
study "small" {{
    title "A small study"
    rows [ row "first" {{ run (fun scale -> experiment {{ net toy; data (toy_regression {{ points 128 }}); train (em {{ steps 5 }}) }}) }} ]
    measure "squared error" (fun run -> run.Test.SquaredError)
    report (fun runs -> runs |> List.collect _.Sections)
}}
|> Study.main fsi.CommandLineArgs
"""

let private inFolder (test: string -> unit) = inDirectory test

/// A program that is there and draws nothing.
let private noBrowser = "/bin/false"

/// Width and height of a PNG file.
let private size (path: string) =
    let bytes = File.ReadAllBytes path
    Expect.equal bytes[..7] [| 0x89uy; 0x50uy; 0x4Euy; 0x47uy; 0x0Duy; 0x0Auy; 0x1Auy; 0x0Auy |] "a PNG file"
    Expect.isGreaterThan bytes.Length 5_000 "with something on it"
    BinaryPrimitives.ReadInt32BigEndian bytes[16..19], BinaryPrimitives.ReadInt32BigEndian bytes[20..23]

let private finding = [
    testCase "the browser that is named counts, then the first on the PATH" (fun () ->
        inFolder (fun folder ->
            let chrome = Path.Combine(folder, "google-chrome")
            File.WriteAllText(chrome, "")
            Expect.equal (Browser.among None $"/nowhere:{folder}") chrome "on the PATH"
            Expect.equal (Browser.among (Some noBrowser) folder) noBrowser "named"
            let chromium = Path.Combine(folder, "chromium")
            File.WriteAllText(chromium, "")
            Expect.equal (Browser.among None folder) chromium "Chromium before Chrome"))

    testCase "no browser is one message with the remedy" (fun () ->
        let message named path =
            try
                Browser.among named path
            with :? UserException as missing ->
                missing.Message

        Expect.equal
            (message None "/nowhere")
            "pictures: expected chromium, chromium-browser, google-chrome on the PATH, got none of them – apt-get install chromium, or set MODNET_CHROMIUM to the path of a Chromium or Chrome"
            "on the PATH"

        Expect.equal
            (message (Some "/nowhere/chrome") "/usr/bin")
            "MODNET_CHROMIUM: expected the path of Chromium or Chrome, got /nowhere/chrome, where there is no file – correct it, or leave it out where one is on the PATH"
            "named")

    testCase "a study that could not draw its pictures trains nothing" (fun () ->
        inFolder (fun folder ->
            let script = Path.Combine(folder, "small.fsx")
            File.WriteAllText(script, study)
            let out = Path.Combine(folder, "out")

            refusedWith [ Browser.variable, "/nowhere/chrome" ] 1 [ "reproduce"; script; "--png"; "--out"; out ] [
                "MODNET_CHROMIUM: expected"
                "got /nowhere/chrome"
            ]

            Expect.isFalse (Directory.Exists out) "no run"))

    testCase "a program that is no browser, and a report that is not there" (fun () ->
        inFolder (fun folder ->
            let none = Path.Combine(folder, "report.html")
            CommandHost.refused 1 [ "pictures"; folder ] [ $"{none}: expected a report, got nothing at that path" ]
            Report.write none report

            refusedWith [ Browser.variable, noBrowser ] 1 [ "pictures"; none ] [
                $"{noBrowser}: expected a browser that draws the report"
                "set MODNET_CHROMIUM"
            ]

            Expect.equal (Directory.GetFiles folder) [| none |] "no picture"))
]

let private drawing = [
    testCase "every figure of a report becomes a picture of its size, named after its heading" (fun () ->
        needsBrowser ()

        inFolder (fun folder ->
            Report.write (Path.Combine(folder, "report.html")) report
            let code, output, errors = CommandHost.modnet [ "pictures"; folder ]
            Expect.equal code 0 errors

            for name, height in
                [ "loss-and-b-h-a-b.png", 370; "twice.png", 370; "twice-2.png", 710; "figure.png", 370 ] do
                let path = Path.Combine(folder, name)
                Expect.stringContains output $"picture: {path}" "said"
                Expect.equal (size path) (920, height) name

            Expect.equal (Directory.GetFiles folder).Length 5 "nothing else"))

    testCase "reproduce --png leaves a study's pictures beside its report" (fun () ->
        needsBrowser ()

        inFolder (fun folder ->
            let script = Path.Combine(folder, "small.fsx")
            File.WriteAllText(script, study)

            let code, output, errors = modnet [ "reproduce"; script; "--png"; "--out"; Path.Combine(folder, "out") ]

            Expect.equal code 0 (output + errors)
            Expect.equal (size (Path.Combine(folder, "out", "small", "figure-7-the-data.png")) |> fst) 920 "the data"))
]

[<Tests>]
let tests = testSequenced <| testList "pictures" [ testList "finding" finding; testList "drawing" drawing ]
