/// Runs by several ranks, as the MPI libraries of this machine start them.
module ModNet.Tests.MpiTests

open System
open System.Diagnostics
open System.IO
open System.Threading
open Expecto
open ModNet.Runtime
open ModNet.Tests.Clone

/// The launchers that are there, with the words that let them start more ranks than there are cores, and as root.
let private launchers = [
    for launcher, words in [ "mpirun.openmpi", [ "--oversubscribe"; "--allow-run-as-root" ]; "mpirun.mpich", [] ] do
        let path = Environment.GetEnvironmentVariable("PATH").Split Path.PathSeparator

        if path |> Array.exists (fun folder -> File.Exists(Path.Combine(folder, launcher))) then launcher, words
]

let private script = Path.Combine(root, "notebooks", "toy.fsx")

let private training (out: string) (steps: int) = [
    "train"
    script
    yield! [ "--shards"; "4"; "--steps"; string steps; "--threads"; "1"; "--log-every"; "10" ]
    yield! [ "--validate-every"; "20"; "--checkpoint-every"; "10"; "--out"; out ]
]

let private ranks (words: string list) (count: int) (command: string list) =
    words @ [ "-n"; string count; Environment.ProcessPath; cli ] @ command

let private same (expected: string) (found: string) what =
    for (name, e), (_, f) in List.zip (Learned.tensorsOf expected) (Learned.tensorsOf found) do
        if e <> f then failtest $"{what}: {name} differs"

let private finishes (command: string) (words: string list) =
    let code, output, errors = run root command words []
    Expect.equal code 0 $"{command}: {output}{errors}"
    output

/// Starts ranks and waits until they have a checkpoint.
let private begun (launcher: string) (words: string list) (out: string) =
    let running =
        Process.Start(ProcessStartInfo(launcher, words, RedirectStandardOutput = true, RedirectStandardError = true))

    running.OutputDataReceived.Add ignore
    running.ErrorDataReceived.Add ignore
    running.BeginOutputReadLine()
    running.BeginErrorReadLine()

    while not running.HasExited && not (File.Exists(Path.Combine(out, "checkpoint.safetensors"))) do
        Thread.Sleep 20

    Expect.isFalse running.HasExited "ranks that train"
    running

/// The process of a rank that trains into a folder: the one that has loaded libtorch.
let private processOf (rank: int) (out: string) = [
    for folder in Directory.GetDirectories "/proc" do
        match Int32.TryParse(Path.GetFileName folder) with
        | true, number ->
            try
                let read name = File.ReadAllText(Path.Combine(folder, name)).Split '\000'
                let isRank name = Array.contains $"{name}={rank}" (read "environ")

                if
                    Array.contains out (read "cmdline")
                    && (isRank "OMPI_COMM_WORLD_RANK" || isRank "PMI_RANK")
                    && File.ReadAllText(Path.Combine(folder, "maps")).Contains "libtorch_cpu"
                then
                    number
            with
            | :? IOException
            | :? UnauthorizedAccessException -> ()
        | _ -> ()
]

[<Tests>]
let tests =
    testSequenced
    <| testList "runs by MPI" [
        if launchers.IsEmpty then
            testCase "ranks of this machine"
            <| fun () -> skiptest "there is no mpirun here (openmpi-bin libopenmpi-dev, or mpich libmpich-dev)"

        for launcher, words in launchers do
            testInDirectory $"{launcher}: two ranks end with the bits of one, and rank 0 alone speaks"
            <| fun directory ->
                let one, two = Path.Combine(directory, "one"), Path.Combine(directory, "two")
                finishes Environment.ProcessPath (cli :: training one 40) |> ignore
                let output = finishes launcher (ranks words 2 (training two 40))
                same one two launcher
                Expect.equal (output.Split("40 steps in").Length - 1) 1 $"said once: {output}"

            testInDirectory $"{launcher}: what is wrong is said once"
            <| fun directory ->
                let missing = Path.Combine(directory, "missing")
                let command = [ "train"; Path.Combine(root, "notebooks", "ptb.fsx"); "--data"; missing ]
                let code, output, errors = run root launcher (ranks words 2 command) []
                Expect.equal code 1 $"{output}{errors}"
                Expect.equal ((output + errors).Split($"{missing}: expected").Length - 1) 1 $"{output}{errors}"

            if Mutations.isLong then
                testInDirectory
                    $"{launcher}: a run whose rank is killed, or that SIGUSR1 ends, goes on with another number of ranks"
                <| fun directory ->
                    let whole, parts = Path.Combine(directory, "whole"), Path.Combine(directory, "parts")
                    finishes Environment.ProcessPath (cli :: training whole 600) |> ignore

                    use killed = begun launcher (ranks words 2 (training parts 600)) parts

                    for number in processOf 1 parts do
                        (Process.GetProcessById number).Kill()

                    Expect.isTrue (killed.WaitForExit(TimeSpan.FromSeconds 60.0)) "no rank hangs"
                    Expect.notEqual killed.ExitCode 0 "the job has failed"
                    File.Delete(Path.Combine(parts, "checkpoint.safetensors"))

                    use ended = begun launcher (ranks words 2 (training parts 600 @ [ "--resume" ])) parts
                    Signals.send Signals.Signal.User1 ended
                    Expect.isTrue (ended.WaitForExit(TimeSpan.FromSeconds 60.0)) "no rank hangs"

                    finishes launcher (ranks words 4 (training parts 600 @ [ "--resume" ])) |> ignore
                    same whole parts launcher
    ]
