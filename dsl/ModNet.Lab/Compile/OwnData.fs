namespace ModNet

open System
open ModNet.Runtime
open TorchSharp

/// Datasets from a script's own arrays and functions.
module internal OwnData =

    /// The sizes of a datapoint; of a sequence with so many steps.
    let private sizes (steps: int) (shape: Shape) =
        match shape with
        | Shape.Image(channels, height, width) -> [| int64 channels; int64 height; int64 width |]
        | Shape.Sequence width -> [| int64<int> steps; int64 width |]
        | other -> [| ShapeRules.Values other |]

    let private rows (values: float32 array) (sizes: int64 array) =
        torch.tensor(values).view(Array.append [| -1L |] sizes)

    let private ids (values: int array) = torch.tensor (Array.map int64 values)

    /// Datapoints of weight 0 are left out. `each` are the sizes in front of a datapoint's targets: [T] where every step has its own.
    let private dataset
        (x: int64 array)
        (each: int64 array)
        target
        tasks
        given
        (weights: float32 array option)
        (inputs: float32 array)
        =
        use _scope = torch.NewDisposeScope()

        let counting =
            match weights with
            | Some weights when Array.contains 0.0f weights ->
                let places = [|
                    for place, weight in Array.indexed weights do
                        if weight <> 0.0f then place
                |]

                let places = ids places
                fun (all: torch.Tensor) -> all.index_select (0L, places)
            | _ -> id

        let targets =
            match target with
            | ArrayTarget.Classes(_, ofEach) -> (ids ofEach).view(Array.append [| -1L |] each)
            | ArrayTarget.Values(width, values) -> rows values (Array.append each [| int64 width |])

        let tasks = tasks |> Option.map (ids >> counting)

        let given =
            given |> Option.map (fun (columns, choices) -> counting ((ids choices).view(-1L, int64<int> columns)))

        let weights = weights |> Option.map (Array.map float >> torch.tensor >> counting)

        let side =
            if tasks.IsNone && given.IsNone && weights.IsNone then
                null
            else
                SideInputs(Option.toObj tasks, Option.toObj given, Option.toObj weights)

        new Dataset(counting (rows inputs x), counting targets, side)

    /// The dataset of a spec's arrays; the spec has been checked.
    let inMemory (data: InMemoryData) : LoadedData =
        let arrays = data.Arrays.Value.Value

        let given = Option.map2 (fun columns choices -> columns, choices) data.Given arrays.Given
        let each = if data.EachStep then [| int64 data.Steps |] else [||]

        let all =
            dataset (sizes data.Steps data.Input) each arrays.Target arrays.Tasks given arrays.Weights arrays.Inputs

        let weightless = int64<int> data.Points - all.Count
        let loaded = LoadedData.Of(all, data.HeldOut, data.Test, data.SplitSeed)

        new LoadedData(loaded.Splits, loaded.Files, Weightless = weightless)

    /// Datapoints that a script's function draws, each checked against the spec.
    let private draw (data: GeneratedData) (random: Random) (count: int) : Dataset =
        let function' = data.Draw.Value.Value
        let width = int (ShapeRules.Values data.Input)

        let points = [|
            for n in 1..count do
                let expect (fits: bool) expected (got: string) =
                    if not fits then
                        Refusal.refuse
                            $"generated `{data.Name}`, datapoint {n}"
                            expected
                            got
                            "let `draw` give what is said of it"

                let point = function' random
                expect (point.X.Length = width) $"{width} values of x" $"{point.X.Length}"

                match point.Y, data.Target with
                | Class label, Target.Classes count ->
                    expect (label >= 0 && label < count) $"a class from 0 to {count - 1}" $"{label}"
                | Class _, Target.Values width -> expect false $"{width} values of y" "a class"
                | Numbers _, Target.Classes count -> expect false $"a class from 0 to {count - 1}" "values of y"
                | Numbers values, Target.Values width ->
                    expect (values.Length = width) $"{width} values of y" $"{values.Length}"

                match point.TaskId, data.Tasks with
                | Some id, Some count -> expect (id >= 0 && id < count) $"a task id from 0 to {count - 1}" $"{id}"
                | None, Some count -> expect false $"a task id from 0 to {count - 1}" "none"
                | _, None -> ()

                data.Given
                |> Option.iter (fun columns ->
                    expect (point.Choices.Length = columns) $"{columns} choices" $"{point.Choices.Length}")

                point
        |]

        let target =
            match data.Target with
            | Target.Classes count ->
                ArrayTarget.Classes(
                    count,
                    [|
                        for point in points do
                            match point.Y with
                            | Class label -> label
                            | Numbers _ -> ()
                    |]
                )
            | Target.Values width ->
                ArrayTarget.Values(
                    width,
                    [|
                        for point in points do
                            match point.Y with
                            | Numbers values -> yield! values
                            | Class _ -> ()
                    |]
                )

        let tasks =
            data.Tasks |> Option.map (fun _ -> points |> Array.map (fun point -> Option.defaultValue 0 point.TaskId))

        let given = data.Given |> Option.map (fun columns -> columns, points |> Array.collect _.Choices)

        points |> Array.collect _.X |> dataset (sizes 1 data.Input) [||] target tasks given None

    /// Training, held-out and test points, drawn one after the other from the experiment's seed.
    let generated (seed: int) (data: GeneratedData) : LoadedData =
        let random = Random(seed + data.SeedOffset)

        let part count : Dataset array = if count = 0 then [||] else [| draw data random count |]

        let train = draw data random data.Points
        let heldOut = part data.HeldOut
        let test = part data.Test
        new LoadedData(new DataSplits(train, heldOut, test), [||])
