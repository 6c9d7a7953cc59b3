/// A run that begins in the folder of another one.
module ModNet.Tests.EarlierRunTests

open System.IO
open Expecto
open ModNet.Runtime

let private names (folder: string) =
    Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
    |> Array.map (fun path -> Path.GetRelativePath(folder, path))
    |> Array.except [ "run.lock" ]
    |> Array.sort
    |> Array.toList

let private own = [
    "best.safetensors"
    "checkpoint.safetensors"
    "checkpoints/10.safetensors"
    "checkpoints/20.safetensors.damaged"
    "data.json"
    "inspect.html"
    "metrics.jsonl"
    "report.html"
    "routing.safetensors"
    "routing/5.safetensors"
    "spec.json"
    "state.json"
    "summary.json"
    "tensorboard/events.out.tfevents.1"
]

let private users = [ "checkpoints/best.safetensors"; "notes.txt"; "routing/mine.txt" ]

/// A folder `run` with these files, each of which says its own name.
let private filled (directory: string) (files: string list) =
    let folder = Path.Combine(directory, "run")

    for file in files do
        let path = Path.Combine(folder, file)
        Directory.CreateDirectory(Path.GetDirectoryName path) |> ignore
        File.WriteAllText(path, file)

    folder

[<Tests>]
let tests =
    testList "an earlier run" [
        testInDirectory "is set aside whole, the user's own files stay, and a third one gets the next number"
        <| fun directory ->
            for number in 1..2 do
                let folder = filled directory (own @ users)

                do
                    use run = RunFolder.Create folder
                    Expect.equal run.Aside $"{folder}.{number}" "where it went"

                Expect.equal (names folder) (List.sort ("metrics.jsonl" :: users)) "what stays"
                Expect.equal (names $"{folder}.{number}") own "what went"

                for file in own do
                    Expect.equal (File.ReadAllText(Path.Combine($"{folder}.{number}", file))) file file

        testInDirectory "is replaced where that was asked for"
        <| fun directory ->
            let folder = filled directory (own @ users)

            do
                use run = RunFolder.Create(folder, overwrite = true)
                Expect.isNull run.Aside "nowhere"

            Expect.equal (names folder) (List.sort ("metrics.jsonl" :: users)) "what stays"
            Expect.equal (Directory.GetDirectories directory) [| folder |] "and no other folder"

        testInDirectory "is one that has a checkpoint, a summary, or a logged minibatch"
        <| fun directory ->
            for files, isRun in
                [
                    [ "checkpoint.safetensors" ], true
                    [ "checkpoints/10.safetensors" ], true
                    [ "summary.json" ], true
                    [ "spec.json"; "report.html" ], false
                    [ "notes.txt" ], false
                ] do
                let folder = filled directory files
                use run = RunFolder.Create folder
                Expect.equal (isNull run.Aside) (not isRun) $"{files}"
                run.Dispose()
                Directory.Delete(folder, true)

            for phase, isRun in [ "test", false; "train", true ] do
                let folder = filled directory []
                Directory.CreateDirectory folder |> ignore

                do
                    use run = RunFolder.Create folder
                    run.Append(MetricsLine(1L, phase, dict [ "loss", 1.0 ] |> System.Collections.Generic.Dictionary))

                use run = RunFolder.Create folder
                Expect.equal (isNull run.Aside) (not isRun) phase

        testInDirectory "is set aside under the folder's name, however its path is spelled"
        <| fun directory ->
            for spelled in [ "run/"; "run/."; "../here/run" ] do
                let here = Path.Combine(directory, "here")
                let folder = filled here own
                use run = RunFolder.Create(Path.Combine(here, spelled))
                Expect.isTrue (File.Exists $"{folder}.1/spec.json") $"{spelled}: {run.Aside}"
                run.Dispose()
                Directory.Delete(here, true)
    ]
