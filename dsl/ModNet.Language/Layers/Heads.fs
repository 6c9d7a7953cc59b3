namespace ModNet

/// Heads that read their distribution's parameters as they are.
[<AutoOpen>]
module HeadLayers =

    /// Head: [in] → a categorical distribution over as many classes, whose logits are the layer's input as it is: `softmax` without its
    /// linear map.
    /// Example: `categorical`
    let categorical = Layer.Categorical

    /// Head: a Gaussian over [in] whose mean is the layer's input; on a sequence one at every step.
    /// Example: `gaussian (variance 0.1)`
    let gaussian (variance: Variance) = Layer.Gaussian variance

    /// A given σ² > 0, in the square of the target's unit.
    /// Example: `gaussian (variance 0.1)`
    let variance (value: float) = Variance.Fixed value

    /// A σ² learned with θ, one scalar for all outputs, from `initial` > 0 on.
    /// Example: `gaussian (learned_variance 1.0)`
    let learned_variance (initial: float) = Variance.Learned initial

    /// Head: independent binary outputs whose logits [in] are the layer's input.
    /// Example: `bernoulli`
    let bernoulli = Layer.Bernoulli

module internal Heads =

    let private vector (site: Site) shape =
        site.Rules.Vector(site.Place, "use `softmax` or `gaussian`, the heads for sequences", shape)
        |> Option.map Shape.Vector

    let private plain weight word layer = {
        LayerKind.plain weight word layer with
            Role = Role.Head
            Infer = fun site () shape -> vector site shape |> Inferred.output
    }

    let categorical = plain 1 "categorical" Layer.Categorical

    let bernoulli = plain 0 "bernoulli" Layer.Bernoulli

    let private variance =
        Codec.union [
            Codec.case
                "fixed"
                (function
                | Variance.Fixed value -> Some value
                | _ -> None)
                Variance.Fixed
                (Codec.one "value" Codec.float)
            Codec.case
                "learned"
                (function
                | Variance.Learned initial -> Some initial
                | _ -> None)
                Variance.Learned
                (Codec.one "initial" Codec.float)
            |> Codec.weighing 1
        ]

    let private infer (site: Site) variance (shape: Shape option) =
        let width =
            match shape with
            | Some(Shape.Sequence _) -> shape
            | _ -> vector site shape

        let value =
            match variance with
            | Variance.Fixed value
            | Variance.Learned value -> value

        site.Notes.PositiveReal(
            Fault.NonPositiveVariance,
            site.Place + "/variance",
            "a variance",
            value,
            "give σ² in the square of the target's unit"
        )

        Inferred.output width

    let private describe variance =
        match variance with
        | Variance.Fixed value -> $"gaussian (variance {Words.float value})"
        | Variance.Learned initial -> $"gaussian (learned_variance {Words.float initial})"

    let gaussian = {
        LayerKind.body
            1
            "gaussian"
            (function
            | Layer.Gaussian variance -> Some variance
            | _ -> None)
            Layer.Gaussian
            (fun _ -> Codec.one "variance" variance) with
            Role = Role.Head
            Describe = describe
            Infer = infer
            Cost =
                fun _ _ variance ->
                    match variance with
                    | Variance.Learned _ -> Cost.passed 1L
                    | Variance.Fixed _ -> Cost.none
    }
