namespace ModNet.Cli.Verbs

open System.IO
open ModNet
open ModNet.Cli
open ModNet.Runtime

/// `./modnet train SCRIPT`, or a run's folder.
[<RequireQualifiedAccess>]
module Train =

    let private help = "Train what a script declares, or go on with the run in a folder."

    // A run's folder says all that its script said, but for code and arrays in memory, and the run goes on from its checkpoint.
    let private resume (folder: string) (options: string list) : int =
        let experiment = { Trained.experiment folder with Out = Some folder }

        if not (Checkpoint.IsIn folder) then
            raise (
                UserException(
                    folder,
                    "the folder of a run with a checkpoint to go on from",
                    "one without",
                    "train a script, or give the folder that --out named"
                )
            )

        let resumed = if List.contains "--resume" options then options else options @ [ "--resume" ]
        Script(Array.ofList (folder :: "train" :: resumed)).Run experiment
        CommandLine.Exit.ok

    let private train (script: string) (options: string list) : int =
        if Directory.Exists script then resume script options else ScriptHost.run "train" script options

    let verb = Verb.forwarded (CommandLine.train []) help train
