namespace ModNet

open System.ComponentModel

/// Sets a text's fields; made by `text`.
[<Sealed>]
type TextBuilder internal (path: string) =

    let paper: TextData = {
        Path = path
        Window = 35
        Vocabulary = None
    }

    /// T, the number of steps in a datapoint, ≥ 1; 35 unless said.
    /// Example: `window 35`
    [<CustomOperation "window">]
    member _.Window(data: TextData, steps: int) = { data with Window = steps }

    /// The number of words to keep, ≥ 1; unless said, as many as the training text has.
    /// Example: `vocabulary 10_000`
    [<CustomOperation "vocabulary">]
    member _.Vocabulary(data: TextData, size: int) = { data with Vocabulary = Some size }

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
