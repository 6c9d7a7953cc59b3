namespace ModNet

/// What the data of a game carry.
type internal GameData = {
    /// The shape of x; None where only the files know.
    X: Shape option
    /// What y is.
    Y: Target
}

module internal GameData =

    /// What data carry, or what is wrong with them as data of a game.
    let find (data: Data) : Result<GameData, string> =
        let images (images: ImageData) shape =
            let classes =
                if images.OneVsRest.IsSome then 2
                elif images.Renumber && not images.Only.IsEmpty then images.Only.Length
                else 10

            Ok { X = Some shape; Y = Target.Classes classes }

        match data with
        | Data.Mnist set -> images set (Shape.Image(1, 28, 28))
        | Data.Cifar10 set -> images set (Shape.Image(3, 32, 32))
        | Data.Generated { Input = input; Target = target }
        | Data.InMemory { Input = (Shape.Vector _ | Shape.Image _) as input; Target = target; EachStep = false } ->
            Ok { X = Some input; Y = target }
        | Data.ToyRegression toy -> Ok { X = Some(Shape.Vector toy.Dimensions); Y = Target.Values toy.Dimensions }
        | Data.Csv csv ->
            let width =
                match csv.Features, csv.Categorical with
                | Some features, [] -> Some(Shape.Vector features.Length)
                | _ -> None

            let target =
                match csv.Classes with
                | Some classes -> Target.Classes classes
                | None -> Target.Values csv.Targets.Length

            Ok { X = width; Y = target }
        | Data.Text _ -> Error "a text"
        | Data.InMemory _ -> Error "sequences"
        | Data.Stream _ -> Error "a stream of tasks"

/// Which players' outputs a game's wires carry where, and how wide they are.
type internal GameWires(game: Game, data: GameData, outputs: Map<string, int>) =

    let players = game.Players |> List.map (fun player -> player.Name, player) |> Map.ofList

    let source wire =
        match wire with
        | Wire.Output player -> Some(player, true)
        | Wire.Detached player -> Some(player, false)
        | Wire.Real
        | Wire.Label
        | Wire.Latent
        | Wire.Judged -> None

    /// The players that a player reads, each with whether a gradient goes back.
    let before (name: string) =
        players |> Map.tryFind name |> Option.toList |> List.collect (_.Reads >> List.choose source)

    /// The players that are reached from one against the direction of wires of a kind.
    let rec reached (isCrossed: bool -> bool) (seen: Set<string>) (name: string) =
        if seen.Contains name then
            seen
        else
            before name
            |> List.filter (snd >> isCrossed)
            |> List.fold (fun seen (other, _) -> reached isCrossed seen other) (seen.Add name)

    /// How many numbers a wire carries for a datapoint; None where that is not known. `judged` is what a critic is asked about.
    member _.Width(judged: int option, wire: Wire) : int option =
        match wire with
        | Wire.Real -> data.X |> Option.map (ShapeRules.Values >> int)
        | Wire.Label ->
            match data.Y with
            | Target.Classes count -> Some count
            | Target.Values width -> Some width
        | Wire.Latent -> game.Latent |> Option.map _.Width
        | Wire.Output player
        | Wire.Detached player -> Map.tryFind player outputs
        | Wire.Judged -> judged

    /// Whether what a player gives depends on itself.
    member _.IsCircle(name: string) =
        before name |> List.exists (fun (other, _) -> (reached (fun _ -> true) Set.empty other).Contains name)

    /// Whether the gradient of a loss on this wire comes to a player's parameters.
    member _.Reaches(wire: Wire, player: string) =
        match source wire with
        | Some(other, true) -> (reached id Set.empty other).Contains player
        | _ -> false
