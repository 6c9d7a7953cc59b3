/// Commands write the files that `--out` and `--draw` name whole, and never in the place of somebody else's.
module ModNet.Tests.NamedFileTests

open System
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open System.Threading
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Clone

[<DllImport("libc", EntryPoint = "kill")>]
extern int private send(int processId, int signal)

let private sigint = 2

let private succeeds (words: string list) =
    let code, _, errors = modnet words
    let command = String.concat " " words
    Expect.equal code 0 $"{command}: {errors}"

[<Tests>]
let tests =
    testSequenced
    <| testList "files that commands are told to write" [
        testInDirectory "a page, notebook or drawing replaces its like, and nothing else"
        <| fun directory ->
            let folder = SmallRuns.ofClasses directory 1
            let at (name: string) = Path.Combine(directory, name)
            let load = Path.Combine(root, "notebooks", "modnet.fsx")

            let script =
                write
                    directory
                    "own.fsx"
                    $"""#load @"{load}"
open ModNet
experiment {{
    net (network "own" {{ features 2; linear 2; gaussian (variance 0.1) }})
    data (toy_regression {{ }})
    train (static_modules {{ steps 2 }})
}}
|> Program.main fsi.CommandLineArgs
"""

            let literate = write directory "literate.fsx" "(** # One cell *)\nprintfn \"two\"\n"

            let commands = [
                ".html", (fun out -> [ "inspect"; folder; "--out"; out ])
                ".html", (fun out -> [ "structure"; folder; "--graphs"; "2"; "--out"; out ])
                ".html", (fun out -> [ "compare"; folder; folder; "--out"; out ])
                ".ipynb", (fun out -> [ "notebook"; literate; "--out"; out ])
            ]

            for place, (ending, words) in List.indexed commands do
                let mine = at $"mine{place}{ending}"
                File.WriteAllText(mine, "written by hand")
                refused 1 (words mine) [ mine; "a new file, or one that this command wrote" ]
                Expect.equal (File.ReadAllText mine) "written by hand" "kept"

                let own = at $"own{place}{ending}"
                succeeds (words own)
                File.SetLastWriteTimeUtc(own, DateTime.UnixEpoch)
                succeeds (words own)
                Expect.isGreaterThan (File.GetLastWriteTimeUtc own) DateTime.UnixEpoch $"{own} is written again"

                // What a run or a script is made of has another ending.
                let checkpoint = Path.Combine(folder, "checkpoint.safetensors")
                let before = File.ReadAllBytes checkpoint
                refused 1 (words checkpoint) [ "ends in" ]
                Expect.sequenceEqual (File.ReadAllBytes checkpoint) before "the run's checkpoint is as it was"

            for ending in [ ".svg"; ".mmd" ] do
                let mine, own = at $"mine{ending}", at $"own{ending}"
                File.WriteAllText(mine, "written by hand")
                let demand = NamedFile.demand "--draw" DrawingFile.endings DrawingFile.marks
                Expect.throwsT<UserException> (fun () -> demand mine) "another's drawing"
                DrawingFile.write (Trained.experiment folder).Network own
                demand own

            refused 1 [ "check"; script; "--draw"; at "mine.svg" ] [ "mine.svg"; "a new file" ]
            Expect.equal (File.ReadAllText(at "mine.svg")) "written by hand" "kept"
            File.WriteAllText(at "numbers.json", "{}")

            refused 1 [ "structure"; folder; "--graphs"; "2"; "--out"; at "numbers.html" ] [
                at "numbers.json"
                "the numbers of the page"
            ]

        testInDirectory "predict replaces no file, not even its own data, unless --overwrite says so"
        <| fun directory ->
            let folder = SmallRuns.ofClasses directory 1
            let data = Path.Combine(directory, "flowers.csv")
            let before = File.ReadAllText data
            refused 1 [ "predict"; folder; "--data"; data; "--out"; data ] [ data; "a new file"; "--overwrite" ]
            Expect.equal (File.ReadAllText data) before "the rows are there still"
            let out = Path.Combine(directory, "said.csv")
            let words = [ "predict"; folder; "--data"; data; "--out"; out ]
            succeeds words
            refused 1 words [ out; "--overwrite" ]
            succeeds (words @ [ "--overwrite" ])

        testInDirectory "options of no use to `inspect --datapoint` and `edit` are told of"
        <| fun directory ->
            let folder = SmallRuns.ofClasses directory 1
            let page = Path.Combine(directory, "page.html")
            refused 2 [ "inspect"; folder; "--datapoint"; "1"; "--out"; page ] [ "--out" ]
            refused 2 [ "inspect"; folder; "--datapoint"; "1"; "--top"; "3" ] [ "--top" ]
            let edited = Path.Combine(directory, "edited")

            refused 1 [ "edit"; folder; "exclude"; "modular1/pool"; "2"; "--rows"; "-3"; "--out"; edited ] [
                "--rows"
                "at least 0"
            ]

            Expect.isFalse (Directory.Exists edited) "nothing is written"

        testCase "what was not finished is removed, file or folder, and what was stays"
        <| fun () ->
            let directory = Directory.CreateTempSubdirectory("modnet-unfinished-").FullName

            try
                let whole = Path.Combine(directory, "whole.txt")
                File.WriteAllText(whole, "whole")
                use file = new UnfinishedPath(whole)
                File.WriteAllText(file.Path, "half")
                use folder = new UnfinishedPath(Path.Combine(directory, "folder"))
                Directory.CreateDirectory(Path.Combine(folder.Path, "inner")) |> ignore
                UnfinishedPath.RemoveAll()
                Expect.sequenceEqual (Directory.GetFileSystemEntries directory) [ whole ] "only what is whole"
                Expect.equal (File.ReadAllText whole) "whole" "as it was"
            finally
                Directory.Delete(directory, true)

        testInDirectory "Ctrl-C leaves no half-written file of predictions"
        <| fun directory ->
            let folder = SmallRuns.ofClasses directory 1
            let data = Path.Combine(directory, "many.csv")
            let row = "1001.5,0.25,x,setosa"

            using (new StreamWriter(data)) (fun file ->
                file.WriteLine "length,width,name,species"

                for _ in 1..400_000 do
                    file.WriteLine row)

            let out = Path.Combine(directory, "said.csv")
            use running = start [ "predict"; folder; "--data"; data; "--out"; out ]
            let clock = Stopwatch.StartNew()
            let half () = Directory.GetFiles(directory, "said.csv.*")

            while (half ()).Length = 0 do
                if running.HasExited || clock.Elapsed > TimeSpan.FromMinutes 2.0 then
                    failtest $"{running.StandardOutput.ReadToEnd()}{running.StandardError.ReadToEnd()}"

                Thread.Sleep 5

            Expect.equal (send (running.Id, sigint)) 0 "the signal is sent"
            Expect.isTrue (running.WaitForExit 60_000) "it ends"
            Expect.equal running.ExitCode 130 "as shells tell of SIGINT"
            Expect.isEmpty (half ()) "nothing half-written"
            Expect.isFalse (File.Exists out) "and nothing that looks whole"
    ]
