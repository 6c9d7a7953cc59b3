namespace ModNet

/// Normalisation over the batch.
[<AutoOpen>]
module BatchNormLayer =

    /// Brings every feature (every channel of an image) to mean 0 and variance 1 over the batch, then applies a learned scale
    /// and shift to each; in evaluation and E-steps by running averages. Keeps the shape. Not inside modules, where the batch
    /// would be whichever datapoints chose one.
    /// Example: `batch_norm`
    let batch_norm = Layer.BatchNorm

module internal BatchNorm =

    let private infer (site: Site) () shape =
        if site.InModule then
            site.Notes.Add(
                Fault.BatchNormInModule,
                site.Place,
                "a module that treats every datapoint by itself",
                "`batch_norm`",
                "use `layer_norm`"
            )

        site.Rules.Numbers(site.Place, "numbers", shape) |> Inferred.output

    let kind = {
        LayerKind.plain 4 "batch_norm" Layer.BatchNorm with
            Infer = infer
            Cost = fun _ layer () -> Cost.passed (Counts.times 2L (Cost.channels layer.Input))
            Simpler = fun () -> [ [ Layer.LayerNorm ]; [ Layer.Activation Relu ] ]
    }
