/// Studies and sweeps as arrays of jobs. In place of Slurm stands a program `sbatch` that starts the tasks at once, as processes of this machine.
module ModNet.Tests.SlurmVerbTests

open System
open System.Diagnostics
open System.IO
open System.Threading
open Expecto
open ModNet
open ModNet.Tests.ExampleStudy

let private dotnet, private words = ExampleScripts.program

/// Prints a job's number as sbatch does, and starts the tasks side by side; a job that depends on them waits for all of them.
let private sbatch (home: string) : string =
    let program = String.concat " " (dotnet :: words)

    $"""#!/bin/bash
script=${{@: -1}}
echo "$*" >>"{home}/asked"
start() {{
    sed "s|^exec [^ ]*/modnet |exec {program} |" "$script" | bash >"{home}/$1.log" 2>&1
    echo $? >"{home}/$1.code"
}}
if [[ $script == */tasks.sbatch ]]; then
    count=$(sed -n 's/^#SBATCH --array=1-\([0-9]*\).*/\1/p' "$script")
    for ((i = 1; i <= count; i++)); do start "task-$i" & done </dev/null >/dev/null 2>&1
    echo $count >"{home}/count"
    echo "17;here"
else
    (
        for ((i = 1; i <= $(<"{home}/count"); i++)); do
            while [[ ! -s "{home}/task-$i.code" ]]; do sleep 0.1; done
        done
        start gather
    ) </dev/null >/dev/null 2>&1 &
    echo "18;here"
fi
"""

/// Puts a program into a folder, and runs the example script where that folder is first on the PATH: exit code, output, errors.
let private runWith (home: string) (sbatch: string option) (arguments: string list) =
    let programs = Path.Combine(home, "programs")
    Directory.CreateDirectory programs |> ignore

    sbatch
    |> Option.iter (fun text ->
        File.SetUnixFileMode(
            write programs "sbatch" text,
            UnixFileMode.UserRead ||| UnixFileMode.UserWrite ||| UnixFileMode.UserExecute
        ))

    let others = if sbatch.IsSome then ":" + Environment.GetEnvironmentVariable "PATH" else ""
    Clone.run home dotnet (words @ arguments) [ "PATH", programs + others ]

/// Submits; gives the output, what each task said, and what the job that gathers said, once it has ended.
let private submitted (home: string) (arguments: string list) =
    let code, output, errors = runWith home (Some(sbatch home)) arguments
    Expect.equal code 0 $"{output}{errors}"
    let clock = Stopwatch.StartNew()
    let ended = Path.Combine(home, "gather.code")

    while not (File.Exists ended && File.ReadAllText ended <> "") do
        if clock.Elapsed > TimeSpan.FromMinutes 2.0 then failtest $"the jobs do not end: {output}"
        Thread.Sleep 50

    let said = File.ReadAllText(Path.Combine(home, "gather.log"))
    Expect.equal (File.ReadAllText ended) "0\n" said

    let tasks = [ for file in Directory.GetFiles(home, "task-*.log") |> Seq.sort -> File.ReadAllText file ]

    output, tasks, said

/// By how many tasks each of so many runs was trained.
let private trainers (tasks: string list) (runs: int) = [
    for run in 1..runs -> tasks |> List.filter (fun text -> text.Contains $"run {run} of {runs}:") |> List.length
]

/// A script whose three runs take seconds each.
let private slowStudy =
    String.concat "\n" [
        $"#load @\"{Clone.root}/notebooks/modnet.fsx\""
        "open ModNet"
        "let toy = network \"toy\" { features 2; modular { modules 2; unit (linear 2) }; gaussian (variance 0.1) }"
        "let slow = experiment { net toy; data (toy_regression { }); train (em { steps 6_000 }); checkpoint_every 20 }"
        "study \"small\" {"
        "    title \"A small study\""
        "    rows [ row \"only\" { seeds [ 1; 2; 3 ]; run (fun _ -> slow) } ]"
        "    measure \"squared error\" (fun run -> run.Test.SquaredError)"
        "}"
        "|> Study.main fsi.CommandLineArgs"
    ]

/// Results without clocks.
let private plain (file: StudyFile) = {
    file with
        Entries =
            file.Entries
            |> List.map (fun entry -> {
                entry with
                    Seconds = 0.0
                    Date = ""
                    Facts = Map.remove "seconds" entry.Facts
                    Phases = entry.Phases |> Map.map (fun _ values -> Map.remove "seconds" values)
            })
}

[<Tests>]
let tests =
    testList "arrays of jobs as they are started" [
        testCase "the tasks of a study share out its runs, and the last job makes the report: as in one process"
        <| fun () ->
            withHome
            <| fun home scripts ->
                let script = Path.Combine(scripts, "example.fsx")
                let slurm = [ "--slurm"; "--partition=short --time=02:00:00"; "--tasks"; "1" ]

                let output, tasks, gathered =
                    submitted home ([ "reproduce"; script; "--rows"; "two"; "--out"; "runs"; "--threads"; "1" ] @ slurm)

                Expect.stringContains
                    output
                    "example: array 17 for 2 runs, 1 at a time; job 18 makes the tables"
                    "what is submitted"

                Expect.equal
                    (File.ReadAllLines(Path.Combine(home, "asked"))
                     |> Array.map (fun line -> line[.. line.LastIndexOf ' ']))
                    [| "--parsable "; "--parsable --dependency=afterany:17 " |]
                    "how"

                Expect.equal (trainers tasks 2) [ 1; 1 ] (String.concat "\n" tasks)
                Expect.stringContains gathered "2 runs, 2 of them finished already" "nothing is left to do"
                let report = Path.Combine("runs", "example", "report.html")

                Expect.equal
                    [ for text in gathered :: tasks -> text.Contains $"report: {report}\n" ]
                    [ true; false; false ]
                    "the last one alone makes the report"

                let shared = plain (results scripts "example")
                Directory.Delete(Path.Combine(scripts, "results"), true)
                Directory.Delete(Path.Combine(home, "runs"), true)
                Running.quietly (fun () -> Study.run { options home with Only = Some [ "two" ] } scripts two) |> ignore
                Expect.equal shared (plain (results scripts "example")) "the results"

        testInDirectory "the tasks of a sweep share out its runs"
        <| fun home ->
            let script = Path.Combine(home, "seeds.fsx")

            let output, tasks, gathered =
                submitted home [ "train"; script; "--out"; "out"; "--overwrite"; "--slurm"; "--threads"; "1" ]

            Expect.stringContains output "seeds: array 17 for 2 runs; job 18" "what is submitted"
            Expect.equal (trainers tasks 2) [ 1; 1 ] (String.concat "\n" tasks)
            Expect.stringContains gathered "2 runs in out, 2 of them finished already" "nothing is left to do"
            Expect.equal (File.ReadAllLines(Path.Combine(home, "out", "sweep.csv"))).Length 3 "the table"

        testInDirectory "where no Slurm is, where it refuses, and where its options are none, one message says so"
        <| fun home ->
            let script = Path.Combine(home, "seeds.fsx")

            let refused (sbatch: string option) (code: int) (more: string list) (parts: string list) =
                let words = [ "train"; script; "--out"; "out" ] @ more
                Clone.isRefusal (runWith home sbatch words) code words parts

            refused None 1 [ "--slurm"; "--partition=none" ] [
                "--slurm: expected the workload manager Slurm, whose command is sbatch, got no sbatch on the PATH – "
                "docs/clusters.md"
            ]

            refused (Some "#!/bin/sh\necho 'invalid partition' >&2\nexit 1\n") 1 [ "--slurm" ] [
                "tasks.sbatch: expected a job that Slurm accepts, got invalid partition – mend what --slurm says"
            ]

            refused None 2 [ "--slurm"; "short" ] [
                "--slurm: expected options of sbatch in quotes, such as \"--partition=short --time=02:00:00\", got short"
            ]

            refused None 2 [ "--tasks"; "2" ] [ "--tasks: expected --slurm with it, whose tasks it counts, got none" ]
            refused None 2 [ "--slurm"; "--tasks"; "0" ] [ "--tasks: expected at least 1, got 0" ]
            refused None 2 [ "--slurm"; "--jobs"; "2" ] [ "--jobs: with --slurm a task trains one run after the other" ]

        testInDirectory
            "on a cluster of one node, a task that is killed gives its run back, and the results are those of one process"
        <| fun home ->
            let programs = [ "munged"; "slurmctld"; "slurmd"; "sbatch" ]

            let isThere (program: string) =
                [ "/usr/bin"; "/usr/sbin" ] |> List.exists (fun folder -> File.Exists(Path.Combine(folder, program)))

            if not Mutations.isLong then skiptest "it takes a minute; ./modnet test --long does it"

            if not (List.forall isThere programs) then
                skiptest "there is no Slurm here: apt-get install slurmctld slurmd slurm-client munge"

            if Environment.UserName <> "root" then skiptest "a cluster of one node needs root"

            let cluster = Path.Combine(home, "slurm")
            let environment = [ "SLURM_CONF", Path.Combine(cluster, "slurm.conf") ]

            let ask (program: string) (words: string list) =
                let code, output, errors = Clone.run home program words environment
                Expect.equal code 0 $"{program}: {output}{errors}"
                output

            let tool = Path.Combine(Clone.root, "tools", "one-node-slurm")
            let script = write home "small.fsx" slowStudy
            let words (out: string) = [ "reproduce"; script; "--out"; Path.Combine(home, out); "--threads"; "1" ]
            let results () = (StudyStore.read (Path.Combine(home, "results", "small.json"))).Value
            let modnet = Path.Combine(Clone.root, "modnet")
            let clock = Stopwatch.StartNew()

            let until (what: string) (isSo: unit -> bool) =
                while not (isSo ()) do
                    if clock.Elapsed > TimeSpan.FromMinutes 5.0 then failtest $"it never came to this: {what}"
                    Thread.Sleep 100

            ask tool [ "start"; cluster ] |> ignore

            let shared =
                try
                    let said = ask modnet (words "shared" @ [ "--tasks"; "2"; "--slurm"; "--partition=short" ])
                    let job = said.Split(' ')[2]
                    let folder = Path.Combine(home, "shared", "small", "only")
                    let checkpoint = Path.Combine(folder, "seed-1", "checkpoint.safetensors")
                    until "a checkpoint" (fun () -> File.Exists checkpoint)
                    ask "scancel" [ "-s"; "KILL"; $"{job}_1" ] |> ignore
                    until "all jobs have ended" (fun () -> ask "squeue" [ "-h" ] = "")
                    results ()
                finally
                    ask tool [ "stop"; cluster ] |> ignore

            Directory.Delete(Path.Combine(home, "results"), true)
            ask modnet (words "alone") |> ignore
            Expect.equal (plain shared) (plain (results ())) "the results"
    ]
