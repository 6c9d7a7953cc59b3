namespace ModNet

/// An image as a network's input.
[<AutoOpen>]
module ImageLayer =

    /// Input: an image [channels, height, width].
    /// Example: `image (3, 32, 32)`
    let image (channels: int, height: int, width: int) = Layer.Image(channels, height, width)

module internal Image =

    let private infer (site: Site) (channels, height, width) =
        let sizes =
            [ channels; height; width ] |> List.map (fun size -> site.Notes.Positive(site.Place, "a size", size))

        if List.forall Option.isSome sizes then
            let shape = Shape.Image(channels, height, width)

            site.Notes.Countable(site.Place, "a number of values", ShapeRules.Values shape)
            |> Option.map (fun _ -> shape)
        else
            None

    let kind = {
        LayerKind.body
            2
            "image"
            (function
            | Layer.Image(c, h, w) -> Some(c, h, w)
            | _ -> None)
            Layer.Image
            (fun _ -> Words.image) with
            Role = Role.Input
            Describe = fun (channels, height, width) -> $"image ({channels}, {height}, {width})"
            Infer = fun site size _ -> infer site size |> Inferred.output
    }
