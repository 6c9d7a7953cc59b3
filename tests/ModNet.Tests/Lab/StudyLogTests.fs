/// The logs that studies keep beside their results: what they do for, and what is said of damaged ones.
module ModNet.Tests.StudyLogTests

open System
open System.IO
open Expecto
open ModNet
open ModNet.Cli
open ModNet.Runtime
open ModNet.Tests.ExampleStudy

[<Tests>]
let tests =
    testSequenced
    <| testList "studies" [
        testCase "logs are kept beside the results: they do for a study that needs nothing else, and for no other"
        <| fun () ->
            withHome
            <| fun home scripts ->
                let one = studyOf [ rowOf "two" 2 20 [ 1 ] ]

                let curves = {
                    one with
                        Name = "curves"
                        RunsOf = "example"
                        LogsSuffice = true
                        Report =
                            fun runs -> [ for run in runs -> Section.make $"{run.Name}: {run.Metrics.Length} lines" [] ]
                }

                let folder = runFolder home "two" 1
                Study.run (options home) scripts one |> ignore
                let log = metrics folder
                let entry = (results scripts "example").Entries
                let kept = Directory.GetFiles(Path.Combine(scripts, "results", "logs"))
                Expect.hasLength kept 1 "a log for each run"
                let bytes = File.ReadAllBytes kept[0]
                Directory.Delete(Path.Combine(home, "runs"), true)

                Expect.equal (Study.run (options home) scripts curves) 0 "exit code"
                Expect.equal (metrics folder) log "the log as it was"

                Expect.isFalse
                    (File.Exists(Path.Combine(folder, "checkpoint.safetensors")))
                    "laid out, not trained again"

                let report = File.ReadAllText(Path.Combine(home, "runs", "curves", "report.html"))
                Expect.stringContains report $"<h2>2 modules, seed 1: {log.Length} lines</h2>" "drawn"
                Expect.equal (keys (results scripts "curves")) [ "two", 1, true ] "told as its own result"

                Expect.equal (Study.run (options home) scripts one) 0 "a study that wants the run itself"
                Expect.isTrue (File.Exists(Path.Combine(folder, "checkpoint.safetensors"))) "trains it"
                Expect.equal (metrics folder) log "to the same end"

                Expect.equal ((results scripts "example").Entries.Head.Values) entry.Head.Values "with the same numbers"

                let unpacked =
                    use stream =
                        new Compression.GZipStream(new MemoryStream(bytes), Compression.CompressionMode.Decompress)

                    use reader = new StreamReader(stream)
                    reader.ReadToEnd()

                Expect.isFalse (unpacked.Contains home) "nothing of this machine's folders is kept"

        testCase "a kept log that is damaged is told of by name"
        <| fun () ->
            withHome
            <| fun home scripts ->
                let one = studyOf [ rowOf "two" 2 5 [ 1 ] ]
                Study.run (options home) scripts one |> ignore
                let kept = Directory.GetFiles(Path.Combine(scripts, "results", "logs"))[0]
                Directory.Delete(Path.Combine(home, "runs"), true)
                let whole = File.ReadAllBytes kept

                for wrong in
                    [
                        [| 1uy; 2uy; 3uy |]
                        Array.empty
                        // All of its content, but not all of its checksum.
                        whole[.. whole.Length - 2]
                        Array.append whole "more"B
                        gzip (Array.append (PlainFiles.gunzip whole) [| 0xE9uy |])
                    ] do
                    File.WriteAllBytes(kept, wrong)

                    complains (fun () -> Study.run (options home) scripts { one with LogsSuffice = true } |> ignore) [
                        $"{kept}: expected the log of a run"
                    ]

                Expect.isFalse (Directory.Exists(runFolder home "two" 1)) "nothing half-written"

                File.WriteAllBytes(kept, [| 1uy; 2uy; 3uy |])
                Expect.equal (Study.run (options home) scripts one) 0 "a study that trains the run"
                Expect.isGreaterThan (FileInfo(kept).Length) 100L "writes its log anew"
    ]
