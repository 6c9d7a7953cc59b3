namespace ModNet

open System
open ModNet.Counts
open TorchSharp

/// With how many threads a run computes.
module internal Threads =

    // Multiply-adds of the forward pass of a gradient step. Beneath it, to wake a second thread takes longer than what it saves.
    let private small = 1_000_000L

    /// Whether a gradient step of the experiment is so small that one thread is as fast as several. It goes by the network and the batch alone, so that
    /// a run that is resumed has as many threads as before. Networks on sequences count as large: our kernels run whole windows on several threads.
    let isSmall (sound: CheckedExperiment) : bool =
        let rows = int64 sound.Experiment.Method.Gradient.Batch

        // A game's networks take their steps one after the other, so the largest of them counts.
        sound.Summaries
        |> List.forall (fun summary ->
            not summary.IsSequence && plus (times rows summary.Total.MultiplyAdds) summary.Total.Parameters <= small)

    let private demand (count: int) =
        if count < 1 then
            ModNet.Refusal.refuse
                "--threads"
                "at least 1"
                (string count)
                "leave it out to use all cores, or one where a step is small"
        elif count > Environment.ProcessorCount then
            eprintfn
                $"--threads {count}: there are {Environment.ProcessorCount} cores to use here, and more threads than cores only get in each other's way"

    /// Takes the threads that the command line asks for, else one where steps are small, else this process's share of the machine, if it has others beside it, until the
    /// result is disposed of.
    let take (asked: int option) (share: int option) (sound: CheckedExperiment) : IDisposable =
        Option.iter demand asked
        let before = torch.get_num_threads ()

        match asked with
        | Some count -> torch.set_num_threads count
        | None -> (if isSmall sound then Some 1 else share) |> Option.iter torch.set_num_threads

        {
            new IDisposable with
                member _.Dispose() = if asked.IsNone then torch.set_num_threads before
        }
