namespace ModNet

/// Convolutions over the steps of a sequence.
[<AutoOpen>]
module Conv1dLayer =

    /// x [T, in] → [T, channels]: what it gives at a step is W ∗ x + b over that step and the kernel − 1 steps before it. It reads no
    /// later step, so a network that predicts the next token cannot look it up. Before the first step stand zeros or, where a
    /// text carries its state, the steps with which the window before ended.
    /// Example: `conv1d 16 3 |> relu`
    let conv1d (channels: int) (kernel: int) : Conv1dSpec = {
        Channels = channels
        Kernel = kernel
        Dilation = 1
        Bias = true
        Activation = None
    }

    /// The same convolution over steps that lie `distance` apart, ≥ 1: it looks back (kernel − 1)·distance steps.
    /// Example: `conv1d 16 3 |> dilation 2`
    let dilation (distance: int) (conv: Conv1dSpec) = { conv with Dilation = distance }

module internal Conv1d =

    let private fields =
        Codec.fields {
            let! channels = Codec.field "channels" (fun (spec: Conv1dSpec) -> spec.Channels) Codec.int
            and! kernel = Codec.field "kernel" _.Kernel Codec.int
            and! dilation = Codec.field "dilation" _.Dilation Codec.int
            and! bias = Codec.field "bias" _.Bias (Codec.plainly true Codec.bool)
            and! activation = Codec.field "activation" _.Activation (Codec.option Words.activation)

            return {
                Conv1dSpec.Channels = channels
                Kernel = kernel
                Dilation = dilation
                Bias = bias
                Activation = activation
            }
        }

    let private describe (conv: Conv1dSpec) =
        let dilation = if conv.Dilation = 1 then "" else $" |> dilation {conv.Dilation}"
        $"conv1d {conv.Channels} {conv.Kernel}{dilation}{Words.affine conv.Bias conv.Activation}"

    let private infer (site: Site) (conv: Conv1dSpec) shape =
        let before = site.Notes.Count
        let channels = site.Notes.Positive(site.Place + "/channels", "a number of channels", conv.Channels)
        site.Notes.Positive(site.Place + "/kernel", "a size", conv.Kernel) |> ignore
        site.Notes.Positive(site.Place + "/dilation", "a distance of steps", conv.Dilation) |> ignore
        site.Activation conv.Activation

        if site.Notes.Count = before then
            let reach = Counts.plus 1L (Counts.times (int64 conv.Kernel - 1L) (int64 conv.Dilation))

            site.Notes.Countable(
                site.Place,
                "a number of steps from the first to the last that one output reads",
                reach
            )
            |> ignore

        let sequence = site.Rules.Sequence(site.Place, site.SequenceRemedy, shape)

        match sequence, channels with
        | Some _, Some channels when site.Notes.Count = before -> Inferred.output (Some(Shape.Sequence channels))
        | _ -> Inferred.output None

    let private cost _ (layer: PlannedLayer) (spec: Conv1dSpec) =
        let read = Counts.times (ShapeRules.Values layer.Input) (int64 spec.Kernel)
        Cost.affine read (int64 spec.Channels) spec.Bias

    let kind = {
        LayerKind.body
            3
            "conv1d"
            (function
            | Layer.Conv1d spec -> Some spec
            | _ -> None)
            Layer.Conv1d
            (fun _ -> fields) with
            Describe = describe
            Infer = infer
            Cost = cost
            Simpler =
                fun spec -> [
                    [ Layer.Linear(linear spec.Channels) ]
                    [ Layer.Conv1d { spec with Dilation = 1 } ]
                    [ Layer.Conv1d { spec with Activation = None; Bias = true } ]
                ]
    }
