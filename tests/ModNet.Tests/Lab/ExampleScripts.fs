/// What scripts of a study and of a sweep do, without F# Interactive, which takes seconds to start: this program in their place.
module ModNet.Tests.ExampleScripts

open System
open System.Reflection
open ModNet
open ModNet.Tests.ExampleStudy

/// The word that has this program be a script.
let word = "--script"

/// Two rows, one of them with two seeds; and a sweep over two seeds.
let run (arguments: string list) : int =
    match arguments with
    | "reproduce" :: script :: words -> Study.code (Array.ofList (script :: "reproduce" :: words)) two
    | verb :: script :: words ->
        Script(Array.ofList (script :: verb :: words))
            .RunSweep(sweep "seeds" [ for chance in 1..2 -> { experimentOf 2 20 with Seed = chance } ])

        0
    | _ -> CommandLine.Exit.usage

/// The program and the words with which `verb SCRIPT` begins.
let program = Environment.ProcessPath, [ Assembly.GetExecutingAssembly().Location; word ]
