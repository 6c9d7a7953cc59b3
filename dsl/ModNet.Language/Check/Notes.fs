namespace ModNet

open System

/// Gathers diagnostics in the order in which they are found, which is the order of place.
type internal Notes() =

    let diagnostics = ResizeArray<Diagnostic>()

    member _.All = List.ofSeq diagnostics

    /// The number of diagnostics so far.
    member _.Count = diagnostics.Count

    /// The action's result, and what it would have noted; the notes themselves are as they were.
    member _.Aside(action: unit -> 'Result) : 'Result * Diagnostic list =
        let before = diagnostics.Count

        try
            let result = action ()
            result, List.ofSeq (Seq.skip before diagnostics)
        finally
            diagnostics.RemoveRange(before, diagnostics.Count - before)

    member _.Add(fault, place, expected, got, remedy) =
        diagnostics.Add { Fault = fault; Place = place; Expected = expected; Got = got; Remedy = remedy }

    /// Those of them that have not been noted.
    member _.AddNew(found: Diagnostic list) = diagnostics.AddRange(found |> List.filter (diagnostics.Contains >> not))

    /// The value, or None (and a note) where it is below one.
    member notes.Positive(place, what, value) =
        if value < 1 then
            notes.Add(Fault.NonPositiveSize, place, $"{what} ≥ 1", string<int> value, "give it a positive number")
            None
        else
            Some value

    /// The value, or None (and a note) where it is more than an index can count.
    member notes.Countable(place, what, value: int64) =
        if value > int64 Int32.MaxValue then
            notes.Add(
                Fault.TooLarge,
                place,
                $"{what} ≤ {Numbers.grouped (int64 Int32.MaxValue)}",
                // Where counting ended, nobody knows how many there are.
                Numbers.grouped value + (if value = Int64.MaxValue then " or more" else ""),
                "make it smaller"
            )

            None
        else
            Some(int value)

    /// Notes a real number that is not above zero or not finite.
    member notes.PositiveReal(fault, place, what, value, remedy) =
        if not (value > 0.0 && Double.IsFinite value) then
            notes.Add(fault, place, $"{what} > 0", Numbers.ofFloat value, remedy)

    /// Notes a number that is negative or not finite.
    member notes.NotNegative(fault, place, what, value, remedy) =
        if not (value >= 0.0 && Double.IsFinite value) then
            notes.Add(fault, place, $"{what} ≥ 0", Numbers.ofFloat value, remedy)

    /// Notes a name that is blank or would break places apart.
    member notes.Name(place, what, name: string) =
        if String.IsNullOrWhiteSpace name || name.Contains '/' then
            notes.Add(Fault.BadName, place, $"a {what} name that is not blank and has no `/`", $"`{name}`", "rename it")
        // Runs go to folders of such names, and these would be other folders.
        elif name.Trim '.' = "" then
            notes.Add(Fault.BadName, place, $"a {what} name of more than dots", $"`{name}`", "rename it")
