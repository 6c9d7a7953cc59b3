namespace ModNet.Generators

open FsCheck
open FsCheck.FSharp
open ModNet

/// Whole networks that `check` accepts.
[<RequireQualifiedAccess>]
module internal SoundNetworks =

    let private input (limits: Limits) =
        Gen.frequency [
            3, Shapes.vector limits
            2, Shapes.tokens limits
            1, Shapes.sequence limits
            3, Shapes.image limits
        ]

    let private opening shape =
        match shape with
        | Shape.Tokens vocabulary -> Layer.Tokens vocabulary
        | Shape.Image(channels, height, width) -> Layer.Image(channels, height, width)
        | Shape.Vector width -> Layer.Features width
        | Shape.Sequence width -> Layer.Sequence width

    let private head (limits: Limits) (shape: Shape) =
        let variance = Gen.elements [ 0.05; 0.5; 2.0 ]

        Gen.frequency [
            2, Gen.choose (1, limits.Vocabulary) |> Gen.map Layer.Softmax
            1, variance |> Gen.map (Variance.Fixed >> Layer.Gaussian)
            1, variance |> Gen.map (Variance.Learned >> Layer.Gaussian)
            where shape.IsVector 1, Gen.constant Layer.Categorical
            where shape.IsVector 1, Gen.constant Layer.Bernoulli
        ]

    /// What is left to be done before a head: tokens and images are none's input.
    let private ending context (shape: Shape) =
        gen {
            match shape with
            | Shape.Tokens _ ->
                let! output = Shapes.sequence context.Limits
                let! layers = Grammar.chain context shape output
                return layers, output
            | Shape.Image _ ->
                let! output = Shapes.vector context.Limits
                let! layers = Grammar.chain context shape output
                return layers, output
            | _ -> return [], shape
        }

    /// A network within these limits.
    let within (limits: Limits) : Gen<Network> =
        gen {
            let! first = input limits

            let! tasks = Gen.frequency [ 2, Gen.constant None; 1, Gen.choose (1, limits.Vocabulary) |> Gen.map Some ]

            let! embedded =
                match first with
                | Shape.Vector width ->
                    Gen.frequency [ 3, Gen.constant None; 1, Steps.embedColumns limits width |> Gen.map Some ]
                | _ -> Gen.constant None

            let input = first

            let first =
                match embedded with
                | Some columns -> (Typing.layer (Typing.Known None) false columns input).Value
                | None -> input

            let bare = { Context.ofLimits limits with Tasks = tasks }

            let! shared = Sharing.sharables bare first
            let context = { bare with Shared = shared }

            let rec steps left shape =
                gen {
                    if left = 0 then
                        return [], shape
                    else
                        let! layers, output = Sharing.step context shape
                        let! rest, last = steps (left - 1) output
                        return layers @ rest, last
                }

            let! count = Gen.choose (0, limits.Layers)
            let! body, shape = steps count first
            let! closing, shape = ending context shape
            let! head = head limits shape

            return {
                Name = "net"
                Layers =
                    opening input :: (tasks |> Option.map Layer.Tasks |> Option.toList)
                    @ Option.toList embedded
                    @ Grammar.apart (body @ closing)
                    @ [ head ]
            }
        }
