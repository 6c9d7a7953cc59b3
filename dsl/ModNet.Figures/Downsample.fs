namespace ModNet.Figures

open System

/// Thins out points without changing how a curve looks.
[<RequireQualifiedAccess>]
module Downsample =
    /// How many points a trace of a report has at most: more than a screen has columns.
    let limit = 2000

    /// At most `most` (≥ 4) of the points (x, y), in their order: the first, the last, and of each stretch between the
    /// lowest and the highest, so that no spike is lost. Shorter data stay as they are. Raises ArgumentException for fewer than 4, or arrays of different lengths.
    let extremes (most: int) (xs: float[]) (ys: float[]) : float[] * float[] =
        if most < 4 then invalidArg (nameof most) $"Down-sampling: expected room for at least 4 points, got {most}."

        if xs.Length <> ys.Length then
            invalidArg (nameof ys) $"Down-sampling: expected as many y as x ({xs.Length}), got {ys.Length}."

        if xs.Length <= most then
            xs, ys
        else
            let inner = xs.Length - 2
            let stretches = (most - 2) / 2

            let kept = [|
                0

                for stretch in 0 .. stretches - 1 do
                    let start = 1 + int (int64 inner * int64 stretch / int64 stretches)
                    let stop = int (int64 inner * int64 (stretch + 1) / int64 stretches)
                    let indices = seq { start..stop } |> Seq.filter (fun i -> Double.IsFinite ys[i])

                    if not (Seq.isEmpty indices) then
                        let low = Seq.minBy (fun i -> ys[i]) indices
                        let high = Seq.maxBy (fun i -> ys[i]) indices
                        min low high

                        if low <> high then max low high

                xs.Length - 1
            |]

            Array.map (Array.get xs) kept, Array.map (Array.get ys) kept

    /// The mean of each point with its neighbours, `reach` to either side as far as there are any. Values that are not
    /// finite are passed over.
    let runningMean (reach: int) (ys: float[]) : float[] =
        let finite = ys |> Array.map (fun y -> if Double.IsFinite y then y else 0.0)
        let sums = Array.scan (+) 0.0 finite
        let counts = ys |> Array.scan (fun n y -> if Double.IsFinite y then n + 1 else n) 0

        ys
        |> Array.mapi (fun i _ ->
            let start, stop = max 0 (i - reach), min ys.Length (i + reach + 1)
            (sums[stop] - sums[start]) / float (counts[stop] - counts[start]))

    /// `most` indices out of `count`, evenly spread; all of them where there are no more.
    let spread (most: int) (count: int) : int[] =
        if count <= most then
            Array.init count id
        else
            Array.init most (fun i -> int (int64 count * int64 i / int64 most))
