namespace ModNet

open System
open System.IO
open System.Text.RegularExpressions
open ModNet.Runtime

/// What the command line asks of the workload manager Slurm: an array of jobs, whose tasks share out the runs of a study or of a sweep.
type SlurmRequest = {
    /// Options for `sbatch`, as they would stand behind it; empty for none.
    Options: string
    /// So many tasks at the same time; None leaves that to the cluster.
    Tasks: int option
    /// The command that each task carries out: the words behind `./modnet`.
    Words: string list
}

/// An array that is to be submitted.
type internal SlurmArray = {
    /// What the jobs are called by.
    Name: string
    /// The folder of the study or of the sweep.
    Home: string
    /// How many runs there are to share out: there are as many tasks, so that one that is killed has a successor.
    Runs: int
    /// Threads of each task; None takes the processors that Slurm gives it.
    Threads: int option
    Request: SlurmRequest
}

/// Writes the scripts of an array, which can be read, changed and submitted by hand, and submits them.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module internal SlurmArray =

    /// The words of a command without those that ask for Slurm.
    let without (options: string) (words: string list) : string list =
        let rec go (words: string list) =
            match words with
            | "--slurm" :: value :: rest when options <> "" && value = options -> go rest
            | "--slurm" :: rest -> go rest
            | "--tasks" :: _ :: rest -> go rest
            | word :: rest -> word :: go rest
            | [] -> []

        go words

    /// A word as the shell takes it literally.
    let private quoted (word: string) : string =
        if Regex.IsMatch(word, "^[A-Za-z0-9_./:=,+-]+$") then word else "'" + word.Replace("'", "'\\''") + "'"

    /// The command of the clone that this program was built in.
    let private modnet () : string =
        let here = Path.GetDirectoryName typeof<SlurmRequest>.Assembly.Location
        let script = Path.GetFullPath(Path.Combine(here, "..", "..", "..", "..", "modnet"))

        if not (File.Exists script) then
            Refusal.refuse "--slurm" "ModNet as ./modnet builds it" "the library alone" "run it in a clone"

        script

    let private folderOf (array: SlurmArray) = Path.GetFullPath(Path.Combine(array.Home, "slurm"))

    let private script
        (array: SlurmArray)
        (role: string)
        (purpose: string)
        (name: string)
        (own: string list)
        (log: string)
        =
        let threads, processors =
            match array.Threads with
            | Some threads -> [], [ $"--cpus-per-task={threads}" ]
            | None -> [ "--threads \"${SLURM_CPUS_PER_TASK:-1}\"" ], []

        // A percent sign means something to Slurm in the names of logs.
        let logs = (folderOf array).Replace("%", "%%")
        let words = array.Request.Words |> List.map quoted

        let asked =
            [
                yield! words
                "--slurm"
                if array.Request.Options <> "" then quoted array.Request.Options

                match array.Request.Tasks with
                | Some most ->
                    "--tasks"
                    string most
                | None -> ()
            ]
            |> String.concat " "

        let command = String.Join(' ', [ yield! words; yield! threads ])

        [
            "#!/bin/bash"
            $"# {purpose}"
            $"# Written by: ./modnet {VisibleText.Word asked}"
            $"#SBATCH --job-name={name}"
            $"#SBATCH --output=\"{logs}/{log}.log\""
            for option in own @ processors do
                $"#SBATCH {option}"

            if array.Request.Options <> "" then $"#SBATCH {array.Request.Options}"
            ""
            $"export {Host.arrayVariable}={role}"
            $"cd {quoted (Directory.GetCurrentDirectory())}"
            $"exec {quoted (modnet ())} {command}"
        ]
        |> List.map (fun line -> line + "\n")
        |> String.concat ""

    /// The script of the array's tasks.
    let tasks (array: SlurmArray) : string =
        let most = array.Request.Tasks |> Option.map (fun most -> $"%%{most}") |> Option.defaultValue ""

        script
            array
            Host.taskRole
            "A task takes runs that are neither finished nor taken by another process, until there are none. One that is killed gives its run back."
            $"modnet-{array.Name}"
            [ $"--array=1-{array.Runs}{most}" ]
            "%A_%a"

    /// The script of the job that follows the tasks.
    let gathering (array: SlurmArray) : string =
        script
            array
            Host.gatherRole
            "When all tasks have ended, this job does what they left undone, and makes the tables and the report."
            $"modnet-{array.Name}-gather"
            []
            "%j"

    /// What a program of Slurm prints, or why it fails. Raises UserException where there is none.
    let private ask (program: string) (words: string list) : Result<string, string> =
        match OtherProgram.Ask(program, Array.ofList words) |> Option.ofNullable with
        | Some(struct (0, output, _)) -> Ok(output.Trim())
        | Some(struct (_, _, errors)) -> Error(errors.Trim().ReplaceLineEndings "; ")
        | None ->
            Refusal.refuse
                "--slurm"
                $"the workload manager Slurm, whose command is {program}"
                $"no {program} on the PATH"
                "start this where jobs are submitted; or start the command without --slurm on several machines that share the folder: docs/clusters.md"

    let private submitted (words: string list) : Result<string, string> =
        // With several clusters, the cluster's name follows.
        ask "sbatch" ("--parsable" :: words) |> Result.map (fun printed -> (printed.Split ';')[0])

    /// Writes the scripts and submits them; says what was submitted. Raises UserException where Slurm refuses; then nothing is left in its queue.
    let submit (array: SlurmArray) : unit =
        let folder = folderOf array
        Directory.CreateDirectory folder |> ignore

        let write (name: string) (text: string) =
            let path = Path.Combine(folder, name)
            WholeFile.Write(path, text)
            path

        let first = write "tasks.sbatch" (tasks array)
        let second = write "gather.sbatch" (gathering array)

        let refuse (path: string) (reason: string) =
            Refusal.refuse
                path
                "a job that Slurm accepts"
                reason
                "mend what --slurm says, or what Slurm's own words name, and start the command again"

        let job =
            match submitted [ first ] with
            | Ok job -> job
            | Error reason -> refuse first reason

        match submitted [ $"--dependency=afterany:{job}"; second ] with
        | Ok last ->
            let most =
                match array.Request.Tasks with
                | Some most when most < array.Runs -> $", {most} at a time"
                | _ -> ""

            let runs = if array.Runs = 1 then "1 run" else $"{array.Runs} runs"
            printfn $"{array.Name}: array {job} for {runs}{most}; job {last} makes the tables when it has ended"
            printfn $"its scripts and logs: {folder}"
            printfn $"to look after it: squeue --me; to stop it: scancel {job} {last}"
        | Error reason ->
            ask "scancel" [ job ] |> ignore
            refuse second reason
