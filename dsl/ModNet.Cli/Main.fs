module ModNet.Cli.Main

[<EntryPoint>]
let main _ = 0
