namespace ModNet.Cli.Verbs

open ModNet.Cli

/// `./modnet bench`: a program of its own, which has the options (src/Bench).
[<RequireQualifiedAccess>]
module Bench =

    let private help = "Time ModNet side by side with PyTorch and with plain TorchSharp."

    let verb = Verb.create "bench" help [] [] Action.ByModnet
