namespace ModNet

/// A penalty on activations.
[<AutoOpen>]
module ActivityL1Layer =

    /// Gives x as it is, and adds weight · Σ|x| over a datapoint's values, the mean over the minibatch, to the loss that M-steps (or another
    /// method's gradient steps) minimise: an L1 penalty on the activations before it, which drives them to zero. weight > 0. Not inside
    /// modules; E-steps and evaluation know nothing of it.
    /// Example: `activity_l1 1e-3`
    let activity_l1 (weight: float) = Layer.ActivityL1 weight

module internal ActivityL1 =

    let private infer (site: Site) weight shape =
        site.Notes.PositiveReal(
            Fault.WeightOutOfRange,
            site.Place + "/weight",
            "a weight",
            weight,
            "give what Σ|x| is multiplied by in the loss"
        )

        site.Penalty "activity_l1"
        site.Rules.Numbers(site.Place, "numbers", shape) |> Inferred.output

    let kind = {
        LayerKind.body
            4
            "activity_l1"
            (function
            | Layer.ActivityL1 weight -> Some weight
            | _ -> None)
            Layer.ActivityL1
            (fun _ -> Codec.one "weight" Codec.float) with
            Describe = fun weight -> $"activity_l1 {Words.float weight}"
            Infer = infer
            Simpler = fun _ -> [ [ Layer.Activation Relu ] ]
    }
