namespace ModNet

open System.ComponentModel

/// What a spec carries beside its data: code, or arrays in memory. JSON does not hold it, so a spec that was read from JSON carries none
/// until it is given some (`Experiment.with_code_of`, `Network.with_customs`). Names and checksums stand for it when specs are compared:
/// any two of these are equal.
[<Sealed; EditorBrowsable(EditorBrowsableState.Never)>]
type Carried<'T> internal (value: 'T option) =
    member internal _.Value = value
    override _.Equals(other: obj) = other :? Carried<'T>
    override _.GetHashCode() = 0
    override _.ToString() = if value.IsSome then "…" else "none"

module internal Carried =

    let some value = Carried(Some value)
    let none<'T> = Carried<'T> None

/// Makes the module of a custom, in a form that the runtime knows.
[<AbstractClass; EditorBrowsable(EditorBrowsableState.Never)>]
type CustomCode() = class end
