namespace ModNet

open System
open System.IO
open System.Threading
open ModNet.Runtime

/// The ranks that train one experiment together, as `mpirun` or `srun --mpi=pmix` has started them, and the manners among them: rank 0 speaks and writes,
/// and where one cannot go on, all end.
[<RequireQualifiedAccess>]
module internal Crew =

    // So long a rank waits with what it has to complain about, because rank 0 may have the same complaint and end all.
    let private patience = TimeSpan.FromSeconds 10.0

    let mutable private isJoined = false

    let private leave (ranks: Ranks) =
        match Environment.ExitCode with
        | 0
        | 130 -> ranks.End()
        | code ->
            // What was said last has to pass through other processes, which end with this one.
            Thread.Sleep(TimeSpan.FromSeconds 0.5)
            ranks.Abort code

    /// The ranks of this process, which is one of several or alone. From the first call on, the others are ended with this process where its exit code says that it failed.
    let join () : Ranks =
        let ranks = MpiRanks.Here

        if ranks.Count > 1 && not isJoined then
            isJoined <- true
            AppDomain.CurrentDomain.ProcessExit.Add(fun _ -> leave ranks)
            if not ranks.Leads then Console.SetOut TextWriter.Null

        ranks

    /// Says a user's mistake on the terminal, once for all ranks.
    let complain (mistake: UserException) : unit =
        match MpiLibrary.Launched() |> Option.ofNullable with
        | Some(struct (rank, count, _)) when count > 1 && rank > 0 ->
            Thread.Sleep patience
            eprintfn $"rank {rank}, on {Environment.MachineName}: {mistake.Message}"
        | _ -> eprintfn $"{mistake.Message}"

    /// Raises UserException where several ranks do together what each would do by itself, such as a sweep.
    let demandAlone (what: string) (remedy: string) : unit =
        match MpiLibrary.Launched() |> Option.ofNullable with
        | Some(struct (_, count, _)) when count > 1 -> Refusal.refuse what "one process" $"{count} ranks" remedy
        | _ -> ()

    /// The machine's cores, whether this process may use them or not.
    let private cores () =
        let all =
            try
                Directory.GetDirectories("/sys/devices/system/cpu", "cpu*")
                |> Seq.filter (fun path -> path[path.LastIndexOf "cpu" + 3 ..] |> Seq.forall Char.IsDigit)
                |> Seq.length
            with :? IOException ->
                0

        max all Environment.ProcessorCount

    /// With how many threads a rank computes unless told: its share of the machine's cores, within those that it may use; None where it has the machine to itself.
    let threads (ranks: Ranks) : int option =
        if ranks.OnThisHost > 1 then
            Some(max 1 (min Environment.ProcessorCount (cores () / ranks.OnThisHost)))
        else
            None

    /// The experiment with its number of shards: what it says; else that of the run in `folder`, where that is resumed; else as many as there are ranks.
    let sharded (ranks: Ranks) (folder: string option) (sound: CheckedExperiment) : CheckedExperiment =
        let experiment = sound.Experiment
        let gradient = experiment.Method.Gradient

        let shards =
            match gradient.Shards, folder with
            | Some _, _ -> None
            | None, Some folder -> Resuming.shards folder
            | None, None -> if ranks.Count > 1 then Some ranks.Count else None

        match shards with
        | None -> sound
        | said ->
            { experiment with Method = experiment.Method.WithGradient { gradient with Shards = said } }
            |> Check.experiment
            |> Refusal.orRaise
