namespace ModNet

open System.ComponentModel

/// Arrays half said.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type InMemoryDraft<'Input, 'Target> = internal {
    DraftInput: 'Input
    DraftTarget: 'Target
    DraftTasks: (int * int array) option
    DraftGiven: (int * int array) option
    DraftHeldOut: int
    DraftTest: int
    DraftSplitSeed: int
}

/// Sets the fields of arrays in memory; made by `in_memory`.
[<Sealed>]
type InMemoryBuilder internal (name: string) =

    let empty = {
        DraftInput = Missing
        DraftTarget = Missing
        DraftTasks = None
        DraftGiven = None
        DraftHeldOut = 0
        DraftTest = 0
        DraftSplitSeed = 1
    }

    member internal _.WithInput(draft: InMemoryDraft<'Input, 'Target>, input: Shape * int * float32 array) = {
        DraftInput = input
        DraftTarget = draft.DraftTarget
        DraftTasks = draft.DraftTasks
        DraftGiven = draft.DraftGiven
        DraftHeldOut = draft.DraftHeldOut
        DraftTest = draft.DraftTest
        DraftSplitSeed = draft.DraftSplitSeed
    }

    member internal _.WithTarget(draft: InMemoryDraft<'Input, 'Target>, target: ArrayTarget) = {
        DraftInput = draft.DraftInput
        DraftTarget = target
        DraftTasks = draft.DraftTasks
        DraftGiven = draft.DraftGiven
        DraftHeldOut = draft.DraftHeldOut
        DraftTest = draft.DraftTest
        DraftSplitSeed = draft.DraftSplitSeed
    }

    /// All x, [N, width], a row each.
    /// Example: `inputs (array2D [ [ 0.0f; 0.0f ]; [ 0.0f; 1.0f ] ])`
    [<CustomOperation "inputs">]
    member builder.Inputs(draft: InMemoryDraft<'Input, 'Target>, rows: float32[,]) =
        builder.WithInput(draft, (Shape.Vector(Array2D.length2 rows), Array2D.length1 rows, Arrays.ofRows rows))

    /// All x as images, [N, C, H, W].
    /// Example: `inputs (Array4D.zeroCreate 100 3 32 32)`
    [<CustomOperation "inputs">]
    member builder.Inputs(draft: InMemoryDraft<'Input, 'Target>, images: float32[,,,]) =
        let shape = Shape.Image(Array4D.length2 images, Array4D.length3 images, Array4D.length4 images)

        builder.WithInput(draft, (shape, Array4D.length1 images, Arrays.ofImages images))

    /// The number of classes, and the class of each datapoint, from 0, [N].
    /// Example: `classes 2 [| 0; 1; 1; 0 |]`
    [<CustomOperation "classes">]
    member builder.Classes(draft: InMemoryDraft<'Input, 'Target>, count: int, ofEach: int array) =
        builder.WithTarget(draft, ArrayTarget.Classes(count, ofEach))

    /// All y, [N, width], a row each: numbers, or bits (0 or 1) for a `bernoulli` head.
    /// Example: `values (array2D [ [ 0.5f ]; [ 1.5f ] ])`
    [<CustomOperation "values">]
    member builder.Values(draft: InMemoryDraft<'Input, 'Target>, rows: float32[,]) =
        builder.WithTarget(draft, ArrayTarget.Values(Array2D.length2 rows, Arrays.ofRows rows))

    /// The number of task ids, and the task of each datapoint, from 0, [N]; none unless said.
    /// Example: `tasks 2 [| 0; 0; 1; 1 |]`
    [<CustomOperation "tasks">]
    member _.Tasks(draft: InMemoryDraft<'Input, 'Target>, count: int, ofEach: int array) = {
        draft with
            DraftTasks = Some(count, ofEach)
    }

    /// The choices that each datapoint brings along for layers whose controller is `Given`, modules from 0: [N, G], the K of
    /// each such layer in order; none unless said.
    /// Example: `given (array2D [ [ 0 ]; [ 1 ]; [ 1 ]; [ 0 ] ])`
    [<CustomOperation "given">]
    member _.Given(draft: InMemoryDraft<'Input, 'Target>, choices: int[,]) = {
        draft with
            DraftGiven = Some(Array2D.length2 choices, Arrays.ofChoices choices)
    }

    /// How many datapoints are held out for validation, ≥ 0; none unless said.
    /// Example: `held_out 100`
    [<CustomOperation "held_out">]
    member _.HeldOut(draft: InMemoryDraft<'Input, 'Target>, count: int) = { draft with DraftHeldOut = count }

    /// How many datapoints are held out for the test, ≥ 0; none unless said.
    /// Example: `test 100`
    [<CustomOperation "test">]
    member _.Test(draft: InMemoryDraft<'Input, 'Target>, count: int) = { draft with DraftTest = count }

    /// What the held-out datapoints are drawn by, whatever the experiment's seed; 1 unless said.
    /// Example: `split_seed 2`
    [<CustomOperation "split_seed">]
    member _.SplitSeed(draft: InMemoryDraft<'Input, 'Target>, seed: int) = { draft with DraftSplitSeed = seed }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Zero() = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(_: unit) = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Delay(settings: unit -> InMemoryDraft<'Input, 'Target>) = settings ()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: InMemoryDraft<Shape * int * float32 array, ArrayTarget>) : Data =
        let shape, count, inputs = draft.DraftInput

        let arrays: Arrays = {
            Inputs = inputs
            Target = draft.DraftTarget
            Tasks = Option.map snd draft.DraftTasks
            Given = Option.map snd draft.DraftGiven
        }

        Data.InMemory {
            Name = name
            Input = shape
            Target =
                match draft.DraftTarget with
                | ArrayTarget.Classes(count, _) -> Target.Classes count
                | ArrayTarget.Values(width, _) -> Target.Values width
            Tasks = Option.map fst draft.DraftTasks
            Given = Option.map fst draft.DraftGiven
            Points = count
            HeldOut = draft.DraftHeldOut
            Test = draft.DraftTest
            SplitSeed = draft.DraftSplitSeed
            Checksum = Arrays.checksum arrays
            Arrays = Carried.some arrays
        }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.IncompleteInMemory, WrongChild.Code, IsError = true)>]
    member _.Run(_: InMemoryDraft<'Input, 'Target>) : Data = invalidOp WrongChild.IncompleteInMemory

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.InMemory, WrongChild.Code, IsError = true)>]
    member _.Yield(_: 'Other) = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.InMemory, WrongChild.Code, IsError = true)>]
    member _.Combine(_: 'First, _: 'Second) = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.InMemory, WrongChild.Code, IsError = true)>]
    member _.For(_: 'First, _: 'Second) = empty
