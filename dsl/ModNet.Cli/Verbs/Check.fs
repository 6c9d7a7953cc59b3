namespace ModNet.Cli.Verbs

open ModNet
open ModNet.Cli

/// `./modnet check SCRIPT`.
[<RequireQualifiedAccess>]
module Check =

    let private help = "Show a summary of what a script declares, or all its mistakes; train nothing."

    let verb = Verb.forwarded (CommandLine.check []) help (ScriptHost.run "check")
