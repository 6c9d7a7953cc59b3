namespace ModNet.Generators

open ModNet

/// Simpler chains in place of a layer or a chain. Whether they fit there is for the rules to say.
[<RequireQualifiedAccess>]
module internal LayerShrinks =

    /// A smaller number, the least first.
    let fewer least number =
        [ least; number / 2; number - 1 ]
        |> List.filter (fun smaller -> smaller >= least && smaller < number)
        |> List.distinct

    let without index items = List.removeAt index items

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

    let private shrinkBranches make (branches: Layer list list) = [
        yield! branches

        if branches.Length > 1 then
            for index in 0 .. branches.Length - 1 do
                [ make (without index branches) ]

        for index in 0 .. branches.Length - 1 do
            if not branches[index].IsEmpty then [ make (List.updateAt index [] branches) ]
    ]

    let private unit (modular: Modular) = List.tryHead modular.Pool.Units

    /// Chains to put in a layer's place.
    let instead (layer: Layer) : Layer list list =
        match layer with
        | Layer.Residual layers
        | Layer.Block(_, layers) -> [ layers ]
        | Layer.Repeat(times, layers) -> [
            layers
            for times in fewer 1 times do
                [ Layer.Repeat(times, layers) ]
          ]
        | Layer.SumOf branches -> shrinkBranches Layer.SumOf branches
        | Layer.ConcatOf branches -> shrinkBranches Layer.ConcatOf branches
        | Layer.Modular modular -> unit modular |> Option.toList
        | Layer.ModularGru gru -> [ [ Layer.Gru gru.Hidden ] ]
        | Layer.Gru hidden -> [ [ Layer.Linear(linear hidden) ] ]
        | Layer.Linear spec when spec.Activation.IsSome || not spec.Bias -> [ [ Layer.Linear(linear spec.Width) ] ]
        | Layer.Conv spec -> [
            [ Layer.Conv { spec with Stride = 1 } ]
            [ Layer.Conv { spec with Padding = 0 } ]
            [ Layer.Conv { spec with Activation = None; Bias = true } ]
          ]
        | Layer.MaxPool spec -> [ [ Layer.AvgPool spec ] ]
        | Layer.BatchNorm -> [ [ Layer.LayerNorm ]; [ Layer.Activation Relu ] ]
        | Layer.LayerNorm
        | Layer.ActivityL1 _
        | Layer.Dropout _ -> [ [ Layer.Activation Relu ] ]
        | _ -> []

    /// Without a part of it, large parts first.
    let parts (layers: Layer list) : Layer list list = [
        let length = layers.Length

        for size in [ length; length / 2; 1 ] |> List.filter (fun size -> size > 0) |> List.distinct do
            for start in 0..size .. length - size do
                List.take start layers @ List.skip (start + size) layers
    ]
