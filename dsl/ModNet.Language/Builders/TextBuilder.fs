namespace ModNet

open System.ComponentModel

/// Sets a text's fields; made by `text`.
[<Sealed>]
type TextBuilder internal (path: string) =

    let paper: TextData = { Path = path; Window = 35; Vocabulary = None; CarryState = false }

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

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Zero() = paper

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(_: unit) = paper

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Delay(settings: unit -> TextData) = settings ()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(data: TextData) = Data.Text data

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Text, WrongChild.Code, IsError = true)>]
    member _.Yield(_: 'Other) = paper

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Text, WrongChild.Code, IsError = true)>]
    member _.Combine(_: 'First, _: 'Second) = paper

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Text, WrongChild.Code, IsError = true)>]
    member _.For(_: 'First, _: 'Second) = paper
