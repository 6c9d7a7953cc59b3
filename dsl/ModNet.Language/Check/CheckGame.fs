namespace ModNet

/// Finds what is wrong with a game: its players' networks, what they read, their turns, swaps and stages.
module internal CheckGame =

    /// What stands wrong with a game in place of a plain experiment's network.
    let private noted (notes: Notes) root place expected got remedy =
        notes.Add(Fault.GameUnfit, $"{root}/{place}", expected, got, remedy)

    let private names (players: Player list) =
        players |> List.map (fun player -> $"`{player.Name}`") |> String.concat ", "

    /// A player's network as one that `Infer` has gone through, with what is wrong with it noted below the game's name.
    let private planned (notes: Notes) root (player: Player) : Plan =
        let own = Notes()
        let walk = Infer({ player.Network with Name = player.Name }, own)
        let plan = walk.Plan
        notes.AddNew [ for found in own.All -> { found with Place = $"{root}/{found.Place}" } ]
        plan

    let private inputOf (plan: Plan) = plan.Layers |> List.tryFind (fun layer -> Kind.role layer.Layer = Role.Input)

    let private headOf (plan: Plan) = plan.Layers |> List.tryFind (fun layer -> Kind.role layer.Layer = Role.Head)

    /// How many numbers a player gives for a datapoint: what its head reads.
    let private output (plan: Plan) = headOf plan |> Option.map (fun head -> int (ShapeRules.Values head.Input))

    /// Layers that a player cannot have.
    let private layers (notes: Notes) root (player: Player) (plan: Plan) =
        for planned in plan.Layers |> List.collect _.Unfolded do
            let refuse expected remedy =
                noted notes root $"{player.Name}/{planned.Name}" expected $"`{Kind.ofLayer planned.Layer}`" remedy

            match planned.Layer with
            | Layer.Tokens _
            | Layer.Sequence _ ->
                refuse "a player that reads vectors or images" "begin its network with `features` or `image`"
            | Layer.Tasks _ ->
                refuse "a player without task ids" "let it read `Wire.Label`, whose numbers come with its other inputs"
            | Layer.Boundary _ ->
                refuse "a player without boundaries" "leave it out; `Wire.Detached` keeps gradients from other players"
            | _ -> ()

            match planned.Layer.Choosing with
            | Some { Controller = Given | ByTask } ->
                noted
                    notes
                    root
                    $"{player.Name}/{planned.Name}/controller"
                    "a controller that reads the layer's input"
                    "one that reads choices or task ids of the data"
                    "use `Linear`, `Mlp` or `Conv`"
            | _ -> ()

    /// How a player's modules are chosen.
    let private modules (notes: Notes) root data (player: Player) (plan: Plan) =
        let site = { Notes = notes; Root = $"{root}/{player.Name}"; Plan = plan; Data = data }

        match player.Modules, site.Choosing with
        | None, [] -> ()
        | Some _, [] ->
            noted
                notes
                root
                $"{player.Name}/modules"
                "a network with modules to choose from"
                "one without"
                "leave `modules` out"
        | None, _ ->
            noted
                notes
                root
                $"{player.Name}/modules"
                "how its modules are chosen"
                "nothing"
                $"say `modules \"{player.Name}\" (PlayerModules.TopK 2)`, or `PlayerModules.Static`; a game's players have no other method: no `em`, `reinforce`, `loss_free_topk` or `exact`"
        | Some PlayerModules.Static, _ -> ()
        | Some(PlayerModules.TopK k), choosing ->
            Mixtures.count site k
            choosing |> List.iter (Mixtures.layer site "PlayerModules.TopK" k)

    /// Whether what a player reads is what its network reads.
    let private reads (notes: Notes) root (game: Game) (wires: GameWires) (judged: int option) (player: Player) plan =
        let place = $"{player.Name}/reads"
        let before = notes.Count

        if player.Reads.IsEmpty then
            noted notes root place "at least one wire" "none" "say `reads`, such as `[ Wire.Latent ]`"

        for wire in List.distinct player.Reads do
            match wire with
            | Wire.Latent when game.Latent.IsNone ->
                noted notes root place "noise of a width for `Wire.Latent`" "none" "say `latent 16`"
            | Wire.Output other
            | Wire.Detached other when game.Players |> List.forall (fun player -> player.Name <> other) ->
                noted
                    notes
                    root
                    place
                    $"the name of a player: {names game.Players}"
                    $"`{other}`"
                    "name one that there is"
            | _ -> ()

        if wires.IsCircle player.Name then
            noted
                notes
                root
                place
                "wires that lead from the data or noise to this player"
                "a circle of players that read one another"
                "leave one of the wires out"

        if notes.Count = before then
            let given = player.Reads |> List.map (fun wire -> wires.Width(judged, wire))

            match inputOf plan with
            | Some input when List.forall Option.isSome given ->
                let given = given |> List.sumBy Option.get

                if ShapeRules.Values input.Output <> int64 given then
                    notes.Add(
                        Fault.WidthUnlikeData,
                        $"{root}/{player.Name}/{input.Name}",
                        $"{given} numbers, which its wires carry together",
                        string (ShapeRules.Values input.Output),
                        $"say `features {given}`"
                    )
            | _ -> ()

    let private isCritic (head: PlannedLayer) =
        match head.Layer with
        | Layer.Bernoulli
        | Layer.Gaussian _ -> true
        | _ -> false

    /// What is wrong with a player as a critic.
    let private critic (notes: Notes) root place (player: Player, plan: Plan) =
        if not (List.contains Wire.Judged player.Reads) then
            noted
                notes
                root
                place
                $"a critic that reads what it is asked about"
                $"`{player.Name}`, which does not"
                $"say `reads \"{player.Name}\" [ Wire.Judged ]`"

        match headOf plan with
        | Some head when not (isCritic head) ->
            noted
                notes
                root
                place
                "a critic with a head `bernoulli`, or `gaussian` for least squares"
                $"`{Kind.ofLayer head.Layer}`"
                "end its network with another head"
        | _ -> ()

    let private fits (notes: Notes) root place (data: GameData) (wires: GameWires) (plan: Plan) (target: Wire) =
        match headOf plan, target, data.Y with
        | Some { Layer = Layer.Softmax classes }, Wire.Label, Target.Classes count when classes = count -> ()
        | Some { Layer = Layer.Categorical } & Some head, Wire.Label, Target.Classes count when
            ShapeRules.Values head.Input = int64 count
            ->
            ()
        | Some { Layer = Layer.Softmax _ | Layer.Categorical }, Wire.Label, Target.Classes count ->
            noted
                notes
                root
                place
                $"a head over {count} classes"
                "another number"
                $"end its network with `softmax {count}`"
        | Some { Layer = Layer.Softmax _ | Layer.Categorical }, _, _ ->
            noted notes root place "classes to predict" "numbers" "end its network with `gaussian` or `bernoulli`"
        | Some { Layer = Layer.Gaussian _ | Layer.Bernoulli }, Wire.Label, Target.Classes count ->
            noted
                notes
                root
                place
                $"a head over {count} classes"
                "one of numbers"
                $"end its network with `softmax {count}`"
        | Some head, target, _ ->
            match wires.Width(None, target) with
            | Some width when int64 width <> ShapeRules.Values head.Input ->
                noted
                    notes
                    root
                    place
                    $"a head of {width} numbers, as many as its target has"
                    (string (ShapeRules.Values head.Input))
                    $"let the layer before the head give {width}"
            | _ -> ()
        | None, _, _ -> ()

    let private turn
        (notes: Notes)
        root
        (game: Game)
        (data: GameData)
        (wires: GameWires)
        (plans: Map<string, Player * Plan>)
        (number: int, turn: PlayerTurn)
        =
        let place = $"turn{number + 1}"
        let find name = Map.tryFind name plans

        let missing name =
            noted notes root place $"the name of a player: {names game.Players}" $"`{name}`" "name one that there is"

        let known wire =
            match wire with
            | Wire.Output other
            | Wire.Detached other when (find other).IsNone ->
                missing other
                false
            | Wire.Judged ->
                noted
                    notes
                    root
                    place
                    "something to judge"
                    "`Wire.Judged` itself"
                    "name `Wire.Real`, or a player's output"

                false
            | _ -> true

        match find turn.Player with
        | None -> missing turn.Player
        | Some(player, plan) ->
            if (plan.Layers |> List.isEmpty |> not) && (Summary.ofPlan plan).Total.Parameters = 0L then
                noted
                    notes
                    root
                    place
                    "a player with something to learn"
                    $"`{player.Name}`, which has no parameters"
                    "leave the turn out: a player without turns stays as it is"

            match turn.Loss with
            | TurnLoss.Fit target ->
                if List.contains Wire.Judged player.Reads then
                    noted
                        notes
                        root
                        place
                        "a player that reads no `Wire.Judged`, since nothing is judged where it fits"
                        $"`{player.Name}`"
                        "let another player fit"

                if known target then fits notes root place data wires plan target
            | TurnLoss.Discriminate(genuine, fake) ->
                critic notes root place (player, plan)

                if known genuine && known fake then
                    match wires.Width(None, genuine), wires.Width(None, fake) with
                    | Some genuine, Some fake when genuine <> fake ->
                        noted
                            notes
                            root
                            place
                            $"samples of {genuine} numbers, as what is genuine has"
                            (string fake)
                            "let the player that gives them end in as many"
                    | _ -> ()
            | TurnLoss.Deceive(name, fake) ->
                match find name with
                | None -> missing name
                | Some(other, otherPlan) ->
                    critic notes root place (other, otherPlan)

                    if known fake && not (wires.Reaches(fake, player.Name)) then
                        noted
                            notes
                            root
                            place
                            $"a sample that depends on `{player.Name}` with a gradient"
                            "one that does not"
                            "judge its own output, or one that leads there over `Wire.Output`"

    let private swaps (notes: Notes) root (game: Game) =
        for swap in game.Swaps do
            let place = $"swap/{swap.Player}"

            match game.Players |> List.tryFind (fun player -> player.Name = swap.Player) with
            | None ->
                noted
                    notes
                    root
                    place
                    $"the name of a player: {names game.Players}"
                    $"`{swap.Player}`"
                    "name one that there is"
            | Some player when player.Count < 2 ->
                noted
                    notes
                    root
                    place
                    "at least 2 players to swap"
                    (string player.Count)
                    "say `players 4`, or leave `swap` out"
            | Some _ -> ()

            notes.Positive($"{root}/{place}", "a number of steps", swap.Every) |> ignore

    let private stages (notes: Notes) root (game: Game) =
        for number, stage in List.indexed game.Stages do
            let place = $"stage{number + 1}"
            notes.Positive($"{root}/{place}", "a number of steps", stage.Steps) |> ignore

            for name in stage.Players do
                if game.Turns |> List.forall (fun turn -> turn.Player <> name) then
                    noted notes root place "players that have a turn" $"`{name}`" "name others, or give it a turn"

            if stage.Players.IsEmpty then
                noted notes root place "at least one player" "none" "name the players that train in this stage"

    let private counts (notes: Notes) root (game: Game) =
        if game.Players.IsEmpty then
            noted notes root "players" "at least one player" "none" "say `player \"g\" generator`"

        if game.Turns.IsEmpty then
            noted notes root "turns" "at least one turn" "none" "say `turn \"d\" (discriminate \"g\")`"

        for name, count in game.Players |> List.countBy _.Name do
            if count > 1 then
                notes.Add(
                    Fault.DuplicateName,
                    $"{root}/{name}",
                    "players with different names",
                    $"{count} of this one",
                    "rename one, or say `players` with their number"
                )

        for player in game.Players do
            if player.Name.Contains '.' then
                notes.Add(
                    Fault.BadName,
                    $"{root}/{player.Name}",
                    "a name without dots",
                    $"`{player.Name}`",
                    "rename it"
                )

            if player.Count < 1 then
                noted
                    notes
                    root
                    player.Name
                    "a player of this name"
                    "none"
                    $"say `player \"{player.Name}\"` with its network"

        match game.Players |> List.filter (fun player -> player.Count >= 1) |> List.distinctBy _.Count with
        | first :: second :: _ ->
            noted
                notes
                root
                second.Name
                $"{first.Count} players of each name, one for every table, as of `{first.Name}`"
                (string second.Count)
                "say the same number for all"
        | _ -> ()

    let private unsupported (notes: Notes) root (gradient: GradientSteps) =
        let refuse setting got =
            notes.Add(Fault.MethodUnfit, $"{root}/train/{setting}", "none in a game", got, "leave it out")

        if gradient.Shards |> Option.exists ((<>) 1) then refuse "shards" "shards"
        if gradient.EarlyStopping.IsSome then refuse "early_stopping" "early stopping"
        if gradient.LooseRounds.IsSome then refuse "loose_rounds" "loose rounds"

    /// Notes it all, and gives the plan of every player's network, in order.
    let check (notes: Notes) (experiment: Experiment) (game: Game) : Plan list =
        let root = experiment.Network.Name
        notes.Name(root, "game", root)
        counts notes root game
        let made = game.Players |> List.filter (fun player -> player.Count >= 1)
        let plans = [ for player in made -> player, planned notes root player ]
        let empty: Plan = { Network = experiment.Network; Layers = []; Pools = [] }

        Sources.check (DataRules(notes, root, experiment.Network, empty, "data")) experiment.Data

        match GameData.find experiment.Data with
        | Error got ->
            noted
                notes
                root
                "data"
                "datapoints that are vectors or images"
                got
                "take other data, or train by `experiment`"
        | Ok data ->
            let outputs =
                plans
                |> List.choose (fun (player, plan) -> output plan |> Option.map (fun width -> player.Name, width))
                |> Map.ofList

            let wires = GameWires(game, data, outputs)

            game.Latent
            |> Option.iter (fun latent -> notes.Positive($"{root}/latent", "a width", latent.Width) |> ignore)

            for player, plan in plans do
                layers notes root player plan

                let isRead =
                    made
                    |> List.exists (fun other ->
                        other.Reads
                        |> List.exists (fun wire -> wire = Wire.Output player.Name || wire = Wire.Detached player.Name))

                match headOf plan with
                | Some { Layer = Layer.Softmax _ | Layer.Categorical } when isRead ->
                    noted
                        notes
                        root
                        player.Name
                        "a head `gaussian` or `bernoulli`, since other players read what it gives"
                        "one over classes"
                        "end its network with `gaussian`"
                | _ -> ()

                modules notes root experiment.Data player plan

                player.Optimizer |> Option.iter (Optimizers.check notes $"{root}/{player.Name}/optimizer")

                // All that a critic is asked about is alike.
                let judged =
                    game.Turns
                    |> List.tryPick (fun turn ->
                        match turn.Loss with
                        | TurnLoss.Discriminate(genuine, fake) when turn.Player = player.Name ->
                            wires.Width(None, genuine) |> Option.orElse (wires.Width(None, fake))
                        | TurnLoss.Deceive(name, fake) when name = player.Name -> wires.Width(None, fake)
                        | _ -> None)

                reads notes root game wires judged player plan

            let byName = plans |> List.map (fun (player, plan) -> player.Name, (player, plan)) |> Map.ofList
            List.indexed game.Turns |> List.iter (turn notes root game data wires byName)

        swaps notes root game
        stages notes root game
        notes.Positive($"{root}/samples", "a number of samples", game.Samples) |> ignore
        let site = { Notes = notes; Root = root; Plan = empty; Data = experiment.Data }
        site.Gradient game.Gradient
        unsupported notes root game.Gradient
        CheckExperiment.settings notes root empty experiment
        List.map snd plans
