namespace ModNet.Pictures

open System
open System.Text

/// The faces of a drawing's text.
[<RequireQualifiedAccess>]
type internal Face =
    | Heading
    | Bold
    | Plain
    | Quiet
    /// For shapes: all characters have one width.
    | Mono
    /// The numbers of modules.
    | Tiny

/// How much room text takes, whatever font the reader has: the widths are those of DejaVu Sans, the widest of the usual ones.
[<RequireQualifiedAccess>]
module internal TextSize =

    let private widths (text: string) = text.Split(' ', StringSplitOptions.RemoveEmptyEntries) |> Array.map int

    /// Widths of the characters 32 … 126, in hundredths of the font's size.
    let private regular =
        widths (
            "32 41 46 84 64 96 78 28 40 40 50 84 32 37 32 34 64 64 64 64 64 64 64 64 "
            + "64 64 34 34 84 84 84 54 100 69 69 70 78 64 58 78 76 30 30 66 56 87 75 79 "
            + "61 79 70 64 62 74 69 99 69 62 69 40 34 40 84 50 50 62 64 55 64 62 36 64 "
            + "64 28 28 58 28 98 64 62 64 64 42 53 40 64 60 82 60 60 53 64 34 64 84 "
        )

    let private bold =
        widths (
            "35 46 53 84 70 101 88 31 46 46 53 84 38 42 38 37 70 70 70 70 70 70 70 70 "
            + "70 70 40 40 84 84 84 59 100 78 77 74 84 69 69 83 84 38 38 78 64 100 84 86 "
            + "74 86 78 73 69 82 78 111 78 73 73 46 37 46 84 50 50 68 72 60 72 68 44 72 "
            + "72 35 35 67 35 105 72 69 72 72 50 60 48 72 66 93 65 66 59 72 37 72 84 "
        )

    /// Beyond ASCII no character of ours is wider, nor are most others.
    let private other = 110

    let private mono = 61

    /// The font's size, in pixels.
    let ofFace face =
        match face with
        | Face.Heading -> 16.0
        | Face.Bold -> 13.0
        | Face.Plain -> 12.0
        | Face.Quiet
        | Face.Mono -> 11.0
        | Face.Tiny -> 10.0

    let private ofRune face (rune: Rune) =
        let index = rune.Value - 32

        if index < 0 || index > 94 then
            other
        else
            match face with
            | Face.Mono -> mono
            | Face.Heading
            | Face.Bold -> bold[index]
            | Face.Plain
            | Face.Quiet
            | Face.Tiny -> regular[index]

    /// An upper bound of the text's width, in pixels.
    let width face (text: string) =
        let hundredths = text.EnumerateRunes() |> Seq.sumBy (ofRune face)
        float hundredths / 100.0 * ofFace face

    /// Text in words, each with the space or slash that ends it.
    let private words (text: string) =
        let last, words =
            text.EnumerateRunes()
            |> Seq.fold
                (fun (word: string, words) rune ->
                    let word = word + string<Rune> rune

                    if rune = Rune ' ' || rune = Rune '/' || rune = Rune '-' then "", word :: words else word, words)
                ("", [])

        List.rev (if last = "" then words else last :: words)

    /// A word in pieces that fit.
    let private pieces face limit (word: string) =
        if width face word <= limit then
            [ word ]
        else
            let last, pieces =
                word.EnumerateRunes()
                |> Seq.fold
                    (fun (piece: string, pieces) rune ->
                        let longer = piece + string<Rune> rune

                        if piece <> "" && width face longer > limit then
                            string<Rune> rune, piece :: pieces
                        else
                            longer, pieces)
                    ("", [])

            List.rev (last :: pieces)

    /// The text in lines of at most this width, broken after words where there are any; at least one line.
    let wrap face limit (text: string) : string list =
        let last, lines =
            words text
            |> List.collect (pieces face limit)
            |> List.fold
                (fun (line: string, lines) word ->
                    if line <> "" && width face (line + word.TrimEnd()) > limit then
                        word, line.TrimEnd() :: lines
                    else
                        line + word, lines)
                ("", [])

        List.rev (last.TrimEnd() :: lines)
