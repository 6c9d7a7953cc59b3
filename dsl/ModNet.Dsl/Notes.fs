namespace ModNet

open System

/// Gathers diagnostics in the order in which they are found, which is the order of place.
type internal Notes() =

    let diagnostics = ResizeArray<Diagnostic>()

    member _.All = List.ofSeq diagnostics

    member _.Add(fault, place, expected, got, remedy) =
        diagnostics.Add {
            Fault = fault
            Place = place
            Expected = expected
            Got = got
            Remedy = remedy
        }

    /// The value, or None (and a note) where it is below one.
    member notes.Positive(place, what, value) =
        if value < 1 then
            notes.Add(Fault.NonPositiveSize, place, $"{what} ≥ 1", string<int> value, "give it a positive number")
            None
        else
            Some value

    /// Notes a real number that is not above zero or not finite.
    member notes.PositiveReal(fault, place, what, value, remedy) =
        if not (value > 0.0 && Double.IsFinite value) then
            notes.Add(fault, place, $"{what} > 0", Numbers.ofFloat value, remedy)

    /// Notes a name that is blank or would break places apart.
    member notes.Name(place, what, name: string) =
        if String.IsNullOrWhiteSpace name || name.Contains '/' then
            notes.Add(Fault.BadName, place, $"a {what} name that is not blank and has no `/`", $"`{name}`", "rename it")
