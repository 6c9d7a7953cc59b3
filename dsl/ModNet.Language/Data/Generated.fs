namespace ModNet

open System
open System.ComponentModel

module internal MissingGenerated =

    [<Literal>]
    let Message =
        "Generated data need `features` or `image`, `classes` or `values`, and `draw`; one of them is missing here."

/// Datapoints that are drawn, half said.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type GeneratedDraft<'Input, 'Target, 'Draw> = internal {
    DrawnInput: 'Input
    DrawnTarget: 'Target
    Draw: 'Draw
    Rest: GeneratedData
}

/// Sets the fields of datapoints that a function draws; made by `generated`.
[<Sealed>]
type GeneratedBuilder internal (name: string) =

    inherit
        SettingsBlock<GeneratedDraft<Missing, Missing, Missing>>(
            {
                DrawnInput = Missing
                DrawnTarget = Missing
                Draw = Missing
                Rest = {
                    Name = name
                    Input = Shape.Vector 0
                    Target = Target.Values 0
                    Tasks = None
                    Given = None
                    Points = 1024
                    HeldOut = 1024
                    Test = 0
                    SeedOffset = 0
                    Draw = Carried.none
                }
            }
        )

    let withInput (draft: GeneratedDraft<'Input, 'Target, 'Draw>) (input: Shape) = {
        DrawnInput = input
        DrawnTarget = draft.DrawnTarget
        Draw = draft.Draw
        Rest = draft.Rest
    }

    let withTarget (draft: GeneratedDraft<'Input, 'Target, 'Draw>) (target: Target) = {
        DrawnInput = draft.DrawnInput
        DrawnTarget = target
        Draw = draft.Draw
        Rest = draft.Rest
    }

    /// x is a vector [width].
    /// Example: `features 2`
    [<CustomOperation "features">]
    member _.Features(draft: GeneratedDraft<'Input, 'Target, 'Draw>, width: int) = withInput draft (Shape.Vector width)

    /// x is an image [channels, height, width]; its values come channel by channel, row by row.
    /// Example: `image (3, 32, 32)`
    [<CustomOperation "image">]
    member _.Image(draft: GeneratedDraft<'Input, 'Target, 'Draw>, (channels: int, height: int, width: int)) =
        withInput draft (Shape.Image(channels, height, width))

    /// y is one of so many classes, from 0.
    /// Example: `classes 2`
    [<CustomOperation "classes">]
    member _.Classes(draft: GeneratedDraft<'Input, 'Target, 'Draw>, count: int) =
        withTarget draft (Target.Classes count)

    /// y is so many numbers, [width], or bits (0 or 1) for a `bernoulli` head.
    /// Example: `values 1`
    [<CustomOperation "values">]
    member _.Values(draft: GeneratedDraft<'Input, 'Target, 'Draw>, width: int) = withTarget draft (Target.Values width)

    /// Every datapoint has one of so many task ids, from 0 (`Datapoint.task`); none unless said.
    /// Example: `tasks 4`
    [<CustomOperation "tasks">]
    member _.Tasks(draft: GeneratedDraft<'Input, 'Target, 'Draw>, count: int) = {
        draft with
            Rest = { draft.Rest with Tasks = Some count }
    }

    /// Every datapoint brings so many choices along (`Datapoint.given`), for layers whose controller is `Given`: the K of each such
    /// layer in order; none unless said.
    /// Example: `given 1`
    [<CustomOperation "given">]
    member _.Given(draft: GeneratedDraft<'Input, 'Target, 'Draw>, choices: int) = {
        draft with
            Rest = { draft.Rest with Given = Some choices }
    }

    /// The number of training points, ≥ 1; 1,024 unless said.
    /// Example: `points 1_000`
    [<CustomOperation "points">]
    member _.Points(draft: GeneratedDraft<'Input, 'Target, 'Draw>, count: int) = {
        draft with
            Rest = { draft.Rest with Points = count }
    }

    /// The number of points drawn for validation, ≥ 0; 1,024 unless said.
    /// Example: `held_out 1_000`
    [<CustomOperation "held_out">]
    member _.HeldOut(draft: GeneratedDraft<'Input, 'Target, 'Draw>, count: int) = {
        draft with
            Rest = { draft.Rest with HeldOut = count }
    }

    /// The number of points drawn for the test, ≥ 0; 0 unless said.
    /// Example: `test 1_000`
    [<CustomOperation "test">]
    member _.Test(draft: GeneratedDraft<'Input, 'Target, 'Draw>, count: int) = {
        draft with
            Rest = { draft.Rest with Test = count }
    }

    /// Added to the experiment's seed where the data are drawn; 0 unless said.
    /// Example: `seed_offset 100`
    [<CustomOperation "seed_offset">]
    member _.SeedOffset(draft: GeneratedDraft<'Input, 'Target, 'Draw>, offset: int) = {
        draft with
            Rest = { draft.Rest with SeedOffset = offset }
    }

    /// Draws one datapoint. All that is random must come from the argument, which is seeded: points, held-out points and test are
    /// drawn from it one after the other.
    /// Example: `draw (fun random -> let x = random.NextSingle() in Datapoint.valued [| x |] [| x * x |])`
    [<CustomOperation "draw">]
    member _.Draw(draft: GeneratedDraft<'Input, 'Target, 'Draw>, draw: Random -> Datapoint) = {
        DrawnInput = draft.DrawnInput
        DrawnTarget = draft.DrawnTarget
        Draw = draw
        Rest = draft.Rest
    }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: GeneratedDraft<Shape, Target, Random -> Datapoint>) : Data =
        Data.Generated {
            draft.Rest with
                Input = draft.DrawnInput
                Target = draft.DrawnTarget
                Draw = Carried.some draft.Draw
        }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(MissingGenerated.Message, WrongChild.Code, IsError = true)>]
    member _.Run(_: GeneratedDraft<'Input, 'Target, 'Draw>) : Data = invalidOp MissingGenerated.Message

[<AutoOpen>]
module GeneratedSource =

    /// Datapoints that a function draws: x [width] or [C, H, W], and y [width] of numbers or a class. `features` or `image`, `classes` or
    /// `values`, and `draw` must be said. JSON holds the name and not the function, so an experiment that was read from JSON needs the
    /// function again (`Experiment.with_code_of`).
    /// Settings: `features`, `image`, `classes`, `values`, `tasks`, `given`, `points`, `held_out`, `test`, `seed_offset`, `draw`.
    /// Example: `generated "sign" { features 1; classes 2; draw (fun random -> let x = random.NextSingle() - 0.5f in Datapoint.labelled [| x |] (if x > 0.0f then 1 else 0)) }`
    let generated (name: string) = GeneratedBuilder name

module internal GeneratedKind =

    let private fields =
        Codec.fields {
            let! name = Codec.field "name" (fun (data: GeneratedData) -> data.Name) Codec.string
            and! input = Codec.field "input" _.Input Words.shape
            and! target = Codec.field "target" _.Target DataKind.target
            and! tasks = Codec.field "tasks" _.Tasks (Codec.option Codec.int)
            and! given = Codec.field "given" _.Given (Codec.option Codec.int)
            and! points = Codec.field "points" _.Points Codec.int
            and! heldOut = Codec.field "held_out" _.HeldOut Codec.int
            and! test = Codec.field "test" _.Test Codec.int
            and! seedOffset = Codec.field "seed_offset" _.SeedOffset Codec.int

            return {
                GeneratedData.Name = name
                Input = input
                Target = target
                Tasks = tasks
                Given = given
                Points = points
                HeldOut = heldOut
                Test = test
                SeedOffset = seedOffset
                Draw = Carried.none
            }
        }

    let private check (rules: DataRules) (data: GeneratedData) =
        rules.Notes.Name(rules.Place "name", "data", data.Name)
        rules.Sizes(data.Input, data.Target, sequences = false)
        rules.Notes.Positive(rules.Place "points", "a number of points", data.Points) |> ignore
        rules.HeldOut("held_out", data.HeldOut, None)
        rules.HeldOut("test", data.Test, None)

        if data.Draw.Value.IsNone then rules.Unknown("datapoints", data.Name)

        rules.Fits("generated data", (if data.Input.IsSequence then None else Some data.Input), data.Target)

    let kind = {
        DataKind.make
            "generated"
            (function
            | Data.Generated data -> Some data
            | _ -> None)
            Data.Generated
            fields
            check with
            Points = fun data -> Some(data.Points, ", or draw more points")
            WithoutValidation = fun data -> DataKind.holdOut data.HeldOut
            Tasks = fun data -> Option.map Some data.Tasks
            Given = _.Given
            Values = fun data -> DataKind.numberedOf data.Target
    }
