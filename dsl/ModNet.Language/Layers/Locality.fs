namespace ModNet

/// A penalty on co-activity at a distance.
[<AutoOpen>]
module LocalityLayer =

    /// Gives x as it is, and adds weight · 1/(n(n − 1)) Σ_{i≠j} A_ij d_ij², the mean over ordered pairs of its n units, to the loss that M-steps (or another
    /// method's gradient steps) minimise: units that are active together are drawn to places near to each other. This is the "soft locality
    /// constraint that moves correlated activations together" of the authors' blog post (Kirsch 2018), which gives no formula.
    /// A_ij = |r_ij| is Pearson's correlation of two units over the minibatch without its sign, from 0 to 1, and 0 where a unit does not vary. Units are the
    /// values of a vector [n]; the channels of an image [n, H, W], by their mean over places; the values of a sequence [T, n], whose steps count as rows of
    /// the minibatch. d_ij is their distance on a ring on which the units stand in their order, from 0 to 1: min(|i − j|, n − |i − j|) / ⌊n/2⌋.
    /// So the penalty lies between 0 and, where n is large, weight / 3. weight ≥ 0; 0 changes nothing. Not inside modules; E-steps and
    /// evaluation know nothing of it.
    /// Example: `locality 10.0`
    let locality (weight: float) = Layer.Locality weight

module internal Locality =

    let private infer (site: Site) weight shape =
        site.Notes.NotNegative(
            Fault.WeightOutOfRange,
            site.Place + "/weight",
            "a weight",
            weight,
            "give what the mean of A d² is multiplied by in the loss"
        )

        site.Penalty "locality"
        site.Rules.Numbers(site.Place, "numbers", shape) |> Inferred.output

    let kind = {
        LayerKind.body
            4
            "locality"
            (function
            | Layer.Locality weight -> Some weight
            | _ -> None)
            Layer.Locality
            (fun _ -> Codec.one "weight" Codec.float) with
            Describe = fun weight -> $"locality {Words.float weight}"
            Infer = infer
            Simpler = fun _ -> [ [ Layer.Activation Relu ] ]
    }
