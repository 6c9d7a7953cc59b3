namespace ModNet

open System
open System.ComponentModel

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

    let empty = {
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
    member _.Zero() = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(_: unit) = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Delay(settings: unit -> GeneratedDraft<'Input, 'Target, 'Draw>) = settings ()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: GeneratedDraft<Shape, Target, Random -> Datapoint>) : Data =
        Data.Generated {
            draft.Rest with
                Input = draft.DrawnInput
                Target = draft.DrawnTarget
                Draw = Carried.some draft.Draw
        }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.IncompleteGenerated, WrongChild.Code, IsError = true)>]
    member _.Run(_: GeneratedDraft<'Input, 'Target, 'Draw>) : Data = invalidOp WrongChild.IncompleteGenerated

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Generated, WrongChild.Code, IsError = true)>]
    member _.Yield(_: 'Other) = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Generated, WrongChild.Code, IsError = true)>]
    member _.Combine(_: 'First, _: 'Second) = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Generated, WrongChild.Code, IsError = true)>]
    member _.For(_: 'First, _: 'Second) = empty
