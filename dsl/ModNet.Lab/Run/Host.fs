namespace ModNet

open System
open System.Collections.Generic
open System.IO
open ModNet.Runtime

/// What ./modnet and the process of a script that it runs tell each other, by environment variables and a file.
[<RequireQualifiedAccess>]
module internal Host =

    /// Names the command's verb, `train`, `check` or `reproduce`, or `reproduceAll`.
    let verbVariable = "MODNET_VERB"

    /// The verb of a command that runs all studies, with options of which some concern other studies only.
    let reproduceAll = "reproduce all"

    /// Holds the options that follow the script on the command line.
    let optionsVariable = "MODNET_OPTIONS"

    /// Names a file that the script's process makes as soon as the script gives ModNet an experiment or a study.
    let declaredVariable = "MODNET_DECLARED"

    /// Names the sweep of which a process is to train runs, in the environment of the processes that a sweep starts.
    let sweepVariable = "MODNET_SWEEP"

    /// With how many threads it is to train them.
    let sweepThreadsVariable = "MODNET_SWEEP_THREADS"

    /// Says of a job of a Slurm array what it is there for: `taskRole` or `gatherRole`.
    let arrayVariable = "MODNET_ARRAY"

    /// It trains runs of a study or of a sweep that nobody else is at.
    let taskRole = "task"

    /// It does what the tasks left undone, and makes the tables and the report.
    let gatherRole = "gather"

    let private variable (name: string) =
        Environment.GetEnvironmentVariable name |> Option.ofObj |> Option.filter (fun text -> text <> "")

    /// Whether the command runs all studies, of which this process runs one.
    let isAmongStudies () : bool = variable verbVariable = Some reproduceAll

    /// Whether this process is of a job of a Slurm array.
    let isOfArray () : bool = (variable arrayVariable).IsSome

    /// Whether it is of a task of the array, which leaves tables and reports to the last job.
    let isArrayTask () : bool = variable arrayVariable = Some taskRole

    /// The sweep of which this process is to train runs, and with how many threads, where a sweep has started it.
    let sweepToServe () : (string * int) option =
        match variable sweepVariable, variable sweepThreadsVariable with
        | Some name, Some threads -> Some(name, int threads)
        | _ -> None

    let mutable private isServing = false

    /// Tells ./modnet, if it runs this process, that the script declares something, and ends with it from now on.
    let declare () : unit =
        ParentProcess.Follow()
        variable declaredVariable |> Option.iter (fun path -> File.WriteAllText(path, ""))

    /// Does what the command line asks for: whatever trains meanwhile obeys its verb and its options.
    let serve (action: unit -> 'Result) : 'Result =
        declare ()
        let before = isServing
        isServing <- true

        try
            action ()
        finally
            isServing <- before

    /// Raises UserException where ./modnet runs the script by a verb, or with options, that a call of `Train` by the script itself would not obey.
    let demandServed () : unit =
        declare ()

        if not isServing then
            let remedy = "give the experiments to `Program.main` or `Program.all`, which obey the command line"

            match variable verbVariable, variable optionsVariable with
            | Some "check", _ ->
                Refusal.refuse
                    "check"
                    "a script that leaves training to the command line"
                    "one that calls `Train` itself"
                    remedy
            | Some _, Some options ->
                Refusal.refuse
                    options
                    "a script that reads options"
                    "one that calls `Train` itself, without them"
                    remedy
            | _ -> ()

    let private folders = HashSet<string>(StringComparer.Ordinal)

    /// Raises UserException where ./modnet runs the script and two of its experiments would be written to one folder.
    let demandFoldersOfTheirOwn (paths: string list) : unit =
        if (variable verbVariable).IsSome then
            for path in paths do
                if not (folders.Add(Path.GetFullPath path)) then
                    Refusal.refuse
                        path
                        "a folder of its own for each experiment of the script"
                        "two experiments that are written there"
                        "say `out` in each of them; with --out, `Program.all` gives each a folder in it"
