namespace ModNet

open System.Runtime.InteropServices
open System.Threading

/// Ends work in good order.
[<RequireQualifiedAccess>]
module internal Stopping =

    /// Runs the action with a token that Ctrl-C and SIGTERM cancel, in place of ending the process.
    let withToken (action: CancellationToken -> 'Result) : 'Result =
        use stop = new CancellationTokenSource()

        let ask (context: PosixSignalContext) =
            context.Cancel <- true
            stop.Cancel()

        use _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, ask)
        use _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, ask)
        action stop.Token
