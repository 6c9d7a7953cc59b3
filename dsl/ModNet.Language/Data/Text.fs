namespace ModNet

open System.ComponentModel

/// Sets a text's fields; made by `text`.
[<Sealed>]
type TextBuilder internal (path: string) =
    inherit
        SettingsBlock<TextData>({ Path = path; Window = 35; Vocabulary = None; CarryState = false; Characters = false })

    /// T, the number of steps in a datapoint, ≥ 1; 35 unless said.
    /// Example: `window 35`
    [<CustomOperation "window">]
    member _.Window(data: TextData, steps: int) = { data with Window = steps }

    /// The number of words to keep, ≥ 1; unless said, as many as the training text has.
    /// Example: `vocabulary 10_000`
    [<CustomOperation "vocabulary">]
    member _.Vocabulary(data: TextData, size: int) = { data with Vocabulary = Some size }

    /// Whether recurrent layers start a window where they left the one before it, in training (in which the text is then read as
    /// `batch` stretches, each in order) and in evaluation (the whole text in order); false unless said: every window starts at zero.
    /// Example: `carry_state true`
    [<CustomOperation "carry_state">]
    member _.CarryState(data: TextData, carry: bool) = { data with CarryState = carry }

    /// Whether tokens are characters, and a vocabulary is one of characters; false unless said: tokens are words, which white space separates.
    /// A character is a Unicode scalar value: what UTF-16 writes as a surrogate pair is one, and a combining mark is one of its own. White space and empty lines count.
    /// Example: `characters true`
    [<CustomOperation "characters">]
    member _.Characters(data: TextData, each: bool) = { data with Characters = each }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(data: TextData) = Data.Text data

[<AutoOpen>]
module TextSource =

    /// Prediction of the next word or, with `characters true`, of the next character: `path` is a directory with `*.train.txt`, `*.valid.txt` and `*.test.txt`, or one text file.
    /// A datapoint is a window [T] of them. Settings: `window`, `vocabulary`, `characters`, `carry_state`; `{ }` alone takes the paper's.
    /// Example: `text "data/ptb" { window 35 }`
    let text (path: string) = TextBuilder path

module internal TextKind =

    let private fields =
        Codec.fields {
            let! path = Codec.field "path" (fun (text: TextData) -> text.Path) Codec.string
            and! window = Codec.field "window" _.Window Codec.int
            and! vocabulary = Codec.field "vocabulary" _.Vocabulary (Codec.option Codec.int)
            and! carryState = Codec.field "carry_state" _.CarryState Codec.bool
            and! characters = Codec.unlessPlain "characters" false _.Characters Codec.bool

            return {
                TextData.Path = path
                Window = window
                Vocabulary = vocabulary
                CarryState = carryState
                Characters = characters
            }
        }

    let private check (rules: DataRules) (text: TextData) =
        rules.Notes.Positive(rules.Place "window", "a number of steps", text.Window) |> ignore

        text.Vocabulary
        |> Option.iter (fun size -> rules.Notes.Positive(rules.Place "vocabulary", "a vocabulary", size) |> ignore)

        rules.Windows text.Window
        rules.NextToken text.CarryState
        rules.Ends("a text", (_.IsTokens, "tokens"), (_.IsSoftmax, "softmax"))

        match rules.Input with
        | Some(Layer.Tokens size) ->
            match text.Vocabulary with
            | Some words when words <> size ->
                rules.Notes.Add(
                    Fault.VocabularyUnlikeData,
                    rules.Place "vocabulary",
                    $"{size}, as in the network's `tokens`",
                    string words,
                    "give both the same vocabulary"
                )
            | _ -> ()

            match rules.Head with
            | Some(Layer.Softmax classes) when classes <> size ->
                rules.Notes.Add(
                    Fault.VocabularyUnlikeData,
                    $"{rules.Root}/softmax/classes",
                    $"{size}, as in `tokens`, for the next token",
                    string classes,
                    $"say `softmax {size}`"
                )
            | _ -> ()
        | _ -> ()

    let kind = {
        DataKind.make
            "text"
            (function
            | Data.Text text -> Some text
            | _ -> None)
            Data.Text
            fields
            check with
            Path = fun text -> Some text.Path
            At = fun path text -> { text with Path = path }
    }
