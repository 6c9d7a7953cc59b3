namespace ModNet

open System
open System.Runtime.InteropServices
open System.Threading
open ModNet.Runtime

/// Ends work in good order.
[<RequireQualifiedAccess>]
module internal Stopping =

    /// Runs the action with a token that Ctrl-C, SIGTERM and SIGUSR1 cancel, in place of ending the process.
    let withToken (action: CancellationToken -> 'Result) : 'Result =
        use stop = new CancellationTokenSource()

        let ask (context: PosixSignalContext) =
            context.Cancel <- true
            stop.Cancel()

        use _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, ask)
        use _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, ask)
        use _user = PosixSignalRegistration.Create(ProcessSignals.User1, ask)
        action stop.Token

    /// Raises OperationCanceledException where training into a folder was stopped before its end.
    let mustBeFinished (folder: string) (outcome: TrainingOutcome) : unit =
        if not outcome.Finished then
            raise (OperationCanceledException $"{folder}: stopped after {outcome.Steps} of {outcome.Planned} steps")
