namespace ModNet

/// One vector of a sequence.
[<AutoOpen>]
module OverStepsLayers =

    /// The last step of a sequence: [T, n] → [n]. Where the data have one target for each sequence, the network ends with layers on this vector.
    /// Example: `last_step`
    let last_step = Layer.LastStep

    /// The mean of a sequence's steps: [T, n] → [n].
    /// Example: `mean_steps`
    let mean_steps = Layer.MeanSteps

module internal OverSteps =

    let private kind word layer = {
        LayerKind.plain 2 word layer with
            Infer =
                fun site () shape ->
                    site.Rules.Sequence(site.Place, site.SequenceRemedy, shape)
                    |> Option.map Shape.Vector
                    |> Inferred.output
    }

    let last = kind "last_step" Layer.LastStep
    let mean = kind "mean_steps" Layer.MeanSteps
