/// Numbers that are measured of a trained network are of the data that it learned from, or there are none.
module ModNet.Tests.LearnedDataTests

open System.IO
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Clone

/// The same rows the other way round, under the same header.
let private reverse (path: string) =
    let lines = File.ReadAllLines path
    File.WriteAllLines(path, Array.append [| lines[0] |] (Array.rev lines[1..]))

let private refuses (name: string) (action: unit -> unit) =
    match
        (try
            action ()
            None
         with :? UserException as mistake ->
             Some mistake.Message)
    with
    | Some message ->
        for part in [ "the data that the run learned from"; "what differs"; "flowers.csv"; "SHA-256" ] do
            Expect.stringContains message part name
    | None -> failtest $"{name}: measured on data that were changed"

[<Tests>]
let tests =
    testSequenced
    <| testList "data of trained networks" [
        testInDirectory "whatever measures a trained network refuses data that were changed, and writes nothing"
        <| fun directory ->
            let folder = SmallRuns.ofClasses directory 1
            let data = Path.Combine(directory, "flowers.csv")
            let lesions () = using (Trained.load folder) (Structure.lesions 20 >> ignore)
            let within () = Trained.within folder (fun run -> ignore run.Source)
            lesions ()
            within ()

            let edited = Path.Combine(directory, "edited")
            let edit (run: string) = [ "edit"; run; "exclude"; "modular1/pool"; "2"; "--out"; edited ]
            reverse data
            refuses "lesions" lesions
            refuses "within" within

            refused 1 (edit folder) [ folder; "what differs" ]
            Expect.isFalse (Directory.Exists edited) "no edited network"
            refused 1 [ "structure"; folder; "--of"; "activity"; "--graphs"; "2" ] [ folder; "what differs" ]
            Expect.isFalse (File.Exists(Path.Combine(folder, "structure.html"))) "no page"

            // Somebody who names other data means them.
            let other = Path.Combine(directory, "other.csv")
            File.Copy(data, other)

            let elsewhere (run: Experiment) =
                match run.Data with
                | Data.Csv csv -> { run with Data = Data.Csv { csv with Path = other } }
                | _ -> run

            Trained.within_as elsewhere folder (fun run -> ignore run.Source)

            // Back again, all is as before; an edited network remembers the data, too.
            reverse data
            lesions ()
            let code, _, errors = modnet (edit folder)
            Expect.equal code 0 errors
            reverse data
            let again = Path.Combine(directory, "again")
            refused 1 [ "edit"; edited; "relabel"; "modular1/pool"; "1"; "0"; "--out"; again ] [ "what differs" ]
            Expect.isFalse (Directory.Exists again) "no second edited network"

        testInDirectory "structure counts the datapoints that there are, and not those that were asked for"
        <| fun directory ->
            let folder = SmallRuns.ofClasses directory 1
            let there = Trained.within folder (fun run -> (Activations.dataOf run).Count)
            use network = Trained.load folder

            for asked, counted in [ 1_000, int there; 5, 5 ] do
                match StructureReport.activity None asked None network with
                | StructureOf.Activity(_, count, least) ->
                    Expect.equal count counted "datapoints"

                    Expect.floatClose
                        Accuracy.high
                        least
                        (min 1.0 (2.0 / sqrt (float counted)))
                        "twice what chance gives"
                | other -> failtest $"{other}"

        testInDirectory
            "a sweep that is finished refuses --resume where its data were changed, and fails once for each run"
        <| fun directory ->
            let data = Path.Combine(directory, "flowers.csv")
            SmallRuns.classes directory 1 |> ignore
            let load = Path.Combine(root, "notebooks", "modnet.fsx")

            let script =
                write
                    directory
                    "pair.fsx"
                    $"""#load @"{load}"
open ModNet
sweep "pair" [
    for chance in 1..2 ->
        experiment {{
            net (network "flowers" {{ features 2; modular {{ modules 2; unit (linear 3) }}; softmax 2 }})
            data (csv @"{data}" {{ target "species"; classes 2; features [ "length"; "width" ]; standardise true }})
            train (em {{ steps 20; batch 16 }})
            seed chance
        }}
]
|> Program.sweep fsi.CommandLineArgs
"""

            let words (steps: int) = [
                "train"
                script
                "--out"
                Path.Combine(directory, "pair")
                "--resume"
                "--jobs"
                "2"
                "--steps"
                string steps
            ]

            let code, output, errors = modnet (words 20)
            Expect.equal code 0 errors
            Expect.stringContains output "the highest log likelihood of the validation set" "what is best, and by what"
            reverse data
            refused 1 (words 20) [ "seed-1: expected the data that the run learned from"; "what differs" ]
            let code, _, errors = modnet (words 30)
            Expect.equal code 1 errors

            for run in [ "seed-1"; "seed-2" ] do
                let told = errors.Split '\n' |> Array.filter _.StartsWith($"{run}: ")
                Expect.hasLength told 1 $"each run's refusal is told once: {errors}"

            let left = Directory.GetFiles(Path.Combine(directory, "pair"), ".*")
            Expect.isEmpty left "no marks of failure stay"
    ]
