namespace ModNet.Generators

open ModNet

/// Simpler chains in place of a layer or a chain. Whether they fit there is for the rules to say.
[<RequireQualifiedAccess>]
module internal LayerShrinks =

    /// The plainest layers that lead from one shape to another.
    let plainest input output : Layer list list =
        match input, output with
        | (Shape.Vector _ | Shape.Sequence _), (Shape.Vector width | Shape.Sequence width) -> [
            [ Layer.Linear(linear width) ]
          ]
        | Shape.Tokens _, Shape.Sequence width -> [ [ Layer.Embed width ] ]
        | Shape.Image _, Shape.Image(channels, _, _) -> [ [ Layer.Conv(conv channels 1) ] ]
        | Shape.Image _, Shape.Vector width -> [ [ Layer.Flatten ]; [ Layer.Flatten; Layer.Linear(linear width) ] ]
        | _ -> []

    /// Without a part of it, large parts first.
    let parts (layers: Layer list) : Layer list list = [
        let length = layers.Length

        for size in [ length; length / 2; 1 ] |> List.filter (fun size -> size > 0) |> List.distinct do
            for start in 0..size .. length - size do
                List.take start layers @ List.skip (start + size) layers
    ]
