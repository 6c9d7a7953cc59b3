/// What the tests counted, for the end of `./modnet test`: it names a file, and every line of it is a count.
module ModNet.Tests.Tally

open System
open System.IO

/// A line of tab-separated values, its kind first; printed where nobody collects lines.
let private line (kind: string) (values: string list) =
    match Environment.GetEnvironmentVariable "MODNET_TALLY" with
    | null
    | "" -> printfn "%s" (String.concat " " (kind :: values))
    | path -> File.AppendAllText(path, String.concat "\t" (kind :: values) + "\n")

/// How many mutations a loader was given: those it loaded rightly, those it refused with a clear message, and the rest.
let mutations (loader: string) (tried: int) (right: int) (refused: int) (failed: int) =
    line "mutations" (loader :: List.map string [ tried; right; refused; failed ])

/// What else was counted, in words.
let note (what: string) (count: string) = line "note" [ what; count ]
