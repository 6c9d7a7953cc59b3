namespace ModNet

open System
open ModNet.Figures
open ModNet.Runtime
open TorchSharp

/// What a game adds to the outcome and the report of its run.
module internal GameReport =

    let private mostTables, mostRows, mostColumns = 4, 10, 10

    /// The image that a sample is: that of the data, where it is as large, or a square; None where it is no image.
    let private image (data: Data) (width: int) =
        match GameData.find data with
        | Ok { X = Some(Shape.Image(channels, height, wide)) } when channels * height * wide = width ->
            Some(channels, height, wide)
        | Ok { X = Some(Shape.Image _) } ->
            let side = int (Math.Round(sqrt (float width)))
            if side * side = width then Some(1, side, side) else None
        | _ -> None

    let private real (train: Dataset) : float32 array array =
        use _scope = torch.NewDisposeScope()
        let some = train.Range(0L, min train.Count 2_000L).Inputs.flatten 1L
        let width = int some.shape[1]
        Array.chunkBySize width (TensorArrays.Vector<float32>(some.to_type torch.float32))

    let private drawn (data: Data) (real: float32 array array) (tables: int) (samples: GameSamples) =
        let title = if tables > 1 then $"table {samples.Table + 1}" else $"`{samples.Player}`"

        match samples.Values[0].Length with
        | 2 when real[0].Length = 2 -> Some(GameFigure.points title real samples.Values)
        | width ->
            image data width
            |> Option.map (fun size ->
                let columns =
                    samples.Classes
                    |> Option.map (fun classes -> min mostColumns (Array.max classes + 1))
                    |> Option.defaultValue mostColumns

                samples.Values |> Array.truncate (mostRows * columns) |> GameFigure.images title columns size)

    let private caption (samples: GameSamples) (isPlane: bool) =
        let asked =
            if samples.Classes.IsSome && not isPlane then
                " Columns are the classes that were asked for, from 0."
            else
                ""

        $"What `{samples.Player}` makes of fresh noise at the end of the run.{asked}"

    let private losses (folder: string) : Section list =
        let lines = (MetricsLog.OfFolder folder).Lines

        match [ "train"; "validation"; "test" ] |> List.choose (fun phase -> GameFigure.losses phase lines) with
        | [] -> []
        | charts -> [
            Section.figure
                "Losses of the turns"
                "The loss of each player's turn, a mean over tables. A critic that cannot tell samples from data has a loss of log 2 ≈ 0.69 under a Bernoulli head."
                (Figure.beside charts)
          ]

    /// Draws samples of all players that are judged, writes them into the folder, and has them drawn in the report.
    let judge
        (experiment: Experiment)
        (game: ModNet.Game)
        (playing: Runtime.Game)
        (train: Dataset)
        (folder: RunFolder)
        : Verdict =
        let players =
            CompileGame.sampled game
            |> List.map (fun name -> name, game.Players |> List.findIndex (fun player -> player.Name = name))

        let samples = GameSamples.draw playing players game.Samples
        if not samples.IsEmpty then GameSamples.write folder samples
        let real = real train

        {
            Verdict.none with
                Lines = [
                    if not samples.IsEmpty then
                        let names = players |> List.map fst |> String.concat ", "

                        Verdict.line
                            "samples"
                            $"{game.Samples} of {names} from each table, in {folder.PathOf GameSamples.FileName}"
                ]
                Sections =
                    fun folder -> [
                        for player, all in samples |> List.groupBy _.Player do
                            match
                                all |> List.truncate mostTables |> List.choose (drawn experiment.Data real all.Length)
                            with
                            | [] -> ()
                            | charts ->
                                let isPlane = all.Head.Values[0].Length = 2

                                Section.figure
                                    $"Samples of {player}"
                                    (caption all.Head isPlane)
                                    (Figure.grid (min 2 charts.Length) charts)

                        yield! losses folder
                    ]
        }
