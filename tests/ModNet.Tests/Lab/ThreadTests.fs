/// With how many threads a run computes, and on which device.
module ModNet.Tests.ThreadTests

open System
open System.IO
open System.Text.Json.Nodes
open Expecto
open ModNet
open ModNet.Tests.ExampleNetworks
open TorchSharp

let private run (width: int) (rows: int) =
    experiment {
        net (
            network "sized" {
                features 2
                linear width |> relu
                linear 2
                gaussian (variance 0.1)
            }
        )

        data (toy_regression { })

        train (
            static_modules {
                batch rows
                steps 2
            }
        )
    }

let private sound (experiment: Experiment) = Check.experiment experiment |> Refusal.orRaise

/// On a machine with one core there is nothing to tell apart.
let private onTwoThreads (action: unit -> unit) =
    let before = torch.get_num_threads ()
    torch.set_num_threads 2

    try
        action ()
    finally
        torch.set_num_threads before

[<Tests>]
let tests =
    testSequenced
    <| testList "threads" [
        testCase "steps are small up to a million multiply-adds, by the network and the batch"
        <| fun () ->
            // 4 multiply-adds and 5 parameters for each unit of the first layer, 2 of the biases of the second.
            Expect.isTrue (Threads.isSmall (sound (run 1_900 128))) "128 · 7,600 + 9,502"
            Expect.isFalse (Threads.isSmall (sound (run 1_950 128))) "128 · 7,800 + 9,752"
            Expect.isFalse (Threads.isSmall (sound (run 1_900 256))) "twice the batch"

        testInDirectory
            "a run of small steps has one thread and says so, unless it is told; what follows has as many as before"
        <| fun directory ->
            onTwoThreads
            <| fun () ->
                for asked, width, expected in [ None, 4, 1; Some 2, 4, 2; None, 4_000, 2 ] do
                    let out = Path.Combine(directory, $"{asked}-{width}")
                    let experiment = sound { run width 128 with Out = Some out }
                    Train.showing (ProgressLine()) { Settings.none with Threads = asked } experiment |> ignore
                    let summary = JsonNode.Parse(File.ReadAllText(Path.Combine(out, "summary.json")))
                    Expect.equal (summary["threads"].GetValue<int>()) expected $"{asked}, {width} wide"
                    Expect.equal (torch.get_num_threads ()) 2 "afterwards"

        testCase "--device auto is a CUDA device where there is one, else the CPU"
        <| fun () ->
            let expected = if torch.cuda.is_available () then Cuda 0 else Cpu
            Expect.equal (Devices.parse "auto") expected "the device"

            let applied = Settings.apply { Settings.none with Device = Some "auto" } (run 4 8)
            Expect.equal applied.Device expected "of the experiment, which summary.json names"
    ]
