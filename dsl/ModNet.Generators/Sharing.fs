namespace ModNet.Generators

open FsCheck
open FsCheck.FSharp
open ModNet

/// Steps of a network, among them those to pools that it shares.
[<RequireQualifiedAccess>]
module internal Sharing =

    /// Whether a layer may take the pool for rows of this shape.
    let private taking context (sharable: Sharable) row =
        Grammar.shared context row |> List.filter (fun (pool, _, _, _) -> pool = sharable.Pool)

    let private linearTo width shape =
        if Grammar.features shape = width then Gen.constant [] else Steps.linear width |> Gen.map List.singleton

    /// Brings a shape to the pool's row by one layer at most, then chooses from it: the layers and what they give.
    let private take context shape (sharable: Sharable) : Gen<Layer list * Shape> list =
        let modular row (pool, combine, choose, unit) (bring: Gen<Layer list>) =
            gen {
                let! bring = bring
                let! modular = Grammar.settings context row pool choose combine

                let output =
                    match shape with
                    | Shape.Sequence _ -> Typing.widened (Grammar.features unit) shape
                    | _ -> unit

                return bring @ [ Layer.Modular modular ], output
            }

        let gru row (pool, combine, choose, unit) =
            let hidden = Grammar.features unit

            gen {
                let! bring = linearTo (Grammar.features row - hidden) shape
                let! candidate = Grammar.settings context row pool choose combine

                let gru = { Hidden = hidden; Candidate = candidate; Gated = true }

                return bring @ [ Layer.ModularGru gru ], Shape.Sequence hidden
            }

        match shape, sharable.Row with
        | (Shape.Vector _ | Shape.Sequence _), (Shape.Vector width as row) -> [
            for taken in taking context sharable row do
                let (_, _, _, unit) = taken

                if unit.IsVector then
                    modular row taken (linearTo width shape)

                    if shape.IsSequence && Grammar.features unit < width then gru row taken
          ]
        | Shape.Image(own, height, side), Shape.Image(channels, _, _) ->
            let row = Shape.Image(channels, height, side)

            let bring = if own = channels then Gen.constant [] else Steps.point channels |> Gen.map List.singleton

            [ for taken in taking context sharable row -> modular row taken bring ]
        | _ -> []

    /// The next layer of a network, or two where the first leads to a shared pool, and the shape that they give.
    let step (context: Context) shape : Gen<Layer list * Shape> =
        let any =
            gen {
                let! output = Shapes.after context.Limits shape
                let! layer = Grammar.layer context shape output
                return [ layer ], output
            }

        match context.Shared |> List.collect (take context shape) with
        | [] -> any
        | taking -> Gen.frequency [ 1, any; 1, Gen.oneof taking ]

    /// Shared pools that a network which begins with this shape may use.
    let sharables (context: Context) input : Gen<Sharable list> =
        let one name =
            gen {
                let! row =
                    match input with
                    | Shape.Image(_, height, width) ->
                        Gen.choose (1, context.Limits.Channels)
                        |> Gen.map (fun channels -> Shape.Image(channels, height, width))
                    | _ -> Gen.choose (1, context.Limits.Width + 2) |> Gen.map Shape.Vector

                let! output =
                    match row with
                    | Shape.Image _ -> Shapes.between context.Limits row row
                    | _ -> Shapes.after context.Limits row

                let! pool = Grammar.pool context (Some name) row output 1

                return { Pool = pool; Row = row; Output = output }
            }

        gen {
            let! names = Gen.shuffle [ "tools"; "words"; "my tools"; "modular1.pool"; "linear1" ]

            let! count = Gen.frequency [ 1, Gen.constant 0; 4, Gen.constant 1; 1, Gen.constant 2 ]

            return! names |> Seq.truncate count |> Seq.map one |> Gen.sequenceToList
        }
