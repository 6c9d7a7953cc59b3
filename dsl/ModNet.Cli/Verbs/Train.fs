namespace ModNet.Cli.Verbs

open ModNet
open ModNet.Cli

/// `./modnet train SCRIPT`.
[<RequireQualifiedAccess>]
module Train =

    let private help = "Train what a script declares."

    let verb = Verb.forwarded (CommandLine.train []) help (ScriptHost.run "train")
