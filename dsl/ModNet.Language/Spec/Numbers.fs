namespace ModNet

/// Numbers as text, the same in every culture.
module internal Numbers =

    let private invariant = System.Globalization.CultureInfo.InvariantCulture

    /// The shortest text that reads back as the same number.
    let ofFloat (value: float) = value.ToString("R", invariant)

    /// The same of a number of fewer digits.
    let ofSingle (value: float32) = value.ToString("R", invariant)

    /// With a comma between thousands: 10,000.
    let grouped (value: int64) = value.ToString("N0", invariant)

    /// As in a script: 10_000.
    let inScript (value: int64) = (grouped value).Replace(',', '_')

    /// Smaller numbers than this one that are at least `least`, the least first: steps on the way to it.
    let fewer (least: int) (number: int) : int list =
        [ least; number / 2; number - 1 ]
        |> List.filter (fun smaller -> smaller >= least && smaller < number)
        |> List.distinct
