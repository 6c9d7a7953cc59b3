namespace ModNet

open System.ComponentModel

/// What the compiler says where something stands in a block of settings that is none.
module internal NotASetting =

    [<Literal>]
    let Message =
        "This is not a setting of this block. A block of settings has its own settings, each said once, without `for` or `if`; docs/language.md lists them."

/// A block of settings, each a custom operation of the builder that inherits from this: what all such builders have in common. Beside the
/// members that a block needs, there are some that take anything and are errors to call: without them the compiler would speak of missing
/// `For` and `Yield` methods, or only warn.
[<AbstractClass; EditorBrowsable(EditorBrowsableState.Never)>]
type SettingsBlock<'Draft> internal (empty: 'Draft) =

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Zero() = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(_: unit) = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Delay(settings: unit -> 'Said) : 'Said = settings ()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(NotASetting.Message, WrongChild.Code, IsError = true)>]
    member _.Yield(_: 'Other) = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(NotASetting.Message, WrongChild.Code, IsError = true)>]
    member _.Combine(_: 'First, _: 'Second) = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(NotASetting.Message, WrongChild.Code, IsError = true)>]
    member _.For(_: 'First, _: 'Second) = empty
