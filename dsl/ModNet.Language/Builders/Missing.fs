namespace ModNet

open System.ComponentModel

/// A field that has not been said yet, of something that the compiler refuses as long as it is incomplete.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type Missing = internal | Missing
