/// What the tests counted: the program that runs them prints it before its closing line.
module ModNet.Tests.Tally

open System.Collections.Concurrent

type Count =
    /// How many mutations a loader was given: those it loaded rightly, those it refused with a clear message, and the rest.
    | Mutations of loader: string * tried: int * right: int * refused: int * failed: int
    /// What else was counted, in words.
    | Note of what: string * count: string

let private counted = ConcurrentQueue<Count>()

let mutations (loader: string) (tried: int) (right: int) (refused: int) (failed: int) =
    counted.Enqueue(Mutations(loader, tried, right, refused, failed))

let note (what: string) (count: string) = counted.Enqueue(Note(what, count))

/// Everything that was counted up to now, in order.
let all () = List.ofSeq counted

/// Mutations by loader and in all, then whatever else, a line each.
let table (counts: Count list) : string list =
    let row name (numbers: obj list) =
        String.concat " " (sprintf "  %-48s" name :: [ for number in numbers -> sprintf "%9O" number ])

    let loaders =
        counts
        |> List.choose (function
            | Mutations(loader, tried, right, refused, failed) -> Some(loader, [ tried; right; refused; failed ])
            | Note _ -> None)

    [
        if not loaders.IsEmpty then row "mutations of" [ "tried"; "right"; "refused"; "failed" ]

        for loader, numbers in loaders do
            row loader (List.map box numbers)

        if loaders.Length > 1 then row "all" (loaders |> List.map snd |> List.transpose |> List.map (List.sum >> box))

        for count in counts do
            match count with
            | Note(what, count) -> $"  {what}: {count}"
            | Mutations _ -> ()
    ]
