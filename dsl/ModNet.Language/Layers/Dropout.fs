namespace ModNet

/// Dropout.
[<AutoOpen>]
module DropoutLayer =

    /// Sets each value to 0 with probability `rate`, 0 ≤ rate < 1, and scales the others by 1/(1 − rate): in M-steps only,
    /// not in E-steps nor in evaluation. Keeps the shape.
    /// Example: `dropout 0.5`
    let dropout (rate: float) = Layer.Dropout rate

module internal Dropout =

    let private infer (site: Site) rate shape =
        if not (rate >= 0.0 && rate < 1.0) then
            site.Notes.Add(
                Fault.RateOutOfRange,
                site.Place + "/rate",
                "0 ≤ rate < 1",
                Numbers.ofFloat rate,
                "give the probability with which a value is dropped"
            )

        site.Rules.Numbers(site.Place, "numbers", shape) |> Inferred.output

    let kind = {
        LayerKind.body
            3
            "dropout"
            (function
            | Layer.Dropout rate -> Some rate
            | _ -> None)
            Layer.Dropout
            (fun _ -> Codec.one "rate" Codec.float) with
            Describe = fun rate -> $"dropout {Words.float rate}"
            Infer = infer
            Simpler = fun _ -> [ [ Layer.Activation Relu ] ]
    }
