namespace ModNet

open System
open System.ComponentModel
open System.Runtime.InteropServices

module internal MissingInMemory =

    [<Literal>]
    let Message = "Arrays in memory need `inputs`, and either `classes` or `values`; one of them is missing here."

/// Arrays half said.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type InMemoryDraft<'Input, 'Target> = internal {
    DraftInput: 'Input
    DraftSteps: int
    DraftTarget: 'Target
    DraftEachStep: bool
    DraftTasks: (int * int array) option
    DraftGiven: (int * int array) option
    DraftWeights: float32 array option
    DraftHeldOut: int
    DraftTest: int
    DraftSplitSeed: int
}

/// Sets the fields of arrays in memory; made by `in_memory`.
[<Sealed>]
type InMemoryBuilder internal (name: string) =

    inherit
        SettingsBlock<InMemoryDraft<Missing, Missing>>(
            {
                DraftInput = Missing
                DraftSteps = 1
                DraftTarget = Missing
                DraftEachStep = false
                DraftTasks = None
                DraftGiven = None
                DraftWeights = None
                DraftHeldOut = 0
                DraftTest = 0
                DraftSplitSeed = 1
            }
        )

    member internal _.WithInput
        (
            draft: InMemoryDraft<'Input, 'Target>,
            input: Shape * int * float32 array,
            [<Optional; DefaultParameterValue(1)>] steps: int
        ) = {
        DraftInput = input
        DraftSteps = steps
        DraftTarget = draft.DraftTarget
        DraftEachStep = draft.DraftEachStep
        DraftTasks = draft.DraftTasks
        DraftGiven = draft.DraftGiven
        DraftWeights = draft.DraftWeights
        DraftHeldOut = draft.DraftHeldOut
        DraftTest = draft.DraftTest
        DraftSplitSeed = draft.DraftSplitSeed
    }

    member internal _.WithTarget
        (
            draft: InMemoryDraft<'Input, 'Target>,
            target: ArrayTarget,
            [<Optional; DefaultParameterValue(false)>] eachStep: bool
        ) = {
        DraftInput = draft.DraftInput
        DraftSteps = draft.DraftSteps
        DraftTarget = target
        DraftEachStep = eachStep
        DraftTasks = draft.DraftTasks
        DraftGiven = draft.DraftGiven
        DraftWeights = draft.DraftWeights
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

    /// All x as sequences of vectors, [N, T, width].
    /// Example: `inputs (Array3D.zeroCreate 100 12 2)`
    [<CustomOperation "inputs">]
    member builder.Inputs(draft: InMemoryDraft<'Input, 'Target>, sequences: float32[,,]) =
        builder.WithInput(
            draft,
            (Shape.Sequence(Array3D.length3 sequences), Array3D.length1 sequences, Arrays.ofSequences sequences),
            Array3D.length2 sequences
        )

    /// The number of classes, and the class of each datapoint, from 0, [N].
    /// Example: `classes 2 [| 0; 1; 1; 0 |]`
    [<CustomOperation "classes">]
    member builder.Classes(draft: InMemoryDraft<'Input, 'Target>, count: int, ofEach: int array) =
        builder.WithTarget(draft, ArrayTarget.Classes(count, ofEach))

    /// The number of classes, and the class of each step of every sequence, from 0, [N, T].
    /// Example: `classes 2 (Array2D.zeroCreate 100 12)`
    [<CustomOperation "classes">]
    member builder.Classes(draft: InMemoryDraft<'Input, 'Target>, count: int, ofEachStep: int[,]) =
        builder.WithTarget(draft, ArrayTarget.Classes(count, Arrays.ofChoices ofEachStep), true)

    /// All y of each step of every sequence, [N, T, width].
    /// Example: `values (Array3D.zeroCreate 100 12 1)`
    [<CustomOperation "values">]
    member builder.Values(draft: InMemoryDraft<'Input, 'Target>, ofEachStep: float32[,,]) =
        builder.WithTarget(draft, ArrayTarget.Values(Array3D.length3 ofEachStep, Arrays.ofSequences ofEachStep), true)

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

    /// How much each datapoint counts in losses and metrics, a number ≥ 0 for each, [N]; all alike unless said. Datapoints of weight 0 are left
    /// out, before any are held out.
    /// Example: `weights [| 1.0f; 1.0f; 2.5f; 0.5f |]`
    [<CustomOperation "weights">]
    member _.Weights(draft: InMemoryDraft<'Input, 'Target>, ofEach: float32 array) = {
        draft with
            DraftWeights = Some ofEach
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
    member _.Run(draft: InMemoryDraft<Shape * int * float32 array, ArrayTarget>) : Data =
        let shape, count, inputs = draft.DraftInput

        let arrays: Arrays = {
            Inputs = inputs
            Target = draft.DraftTarget
            Tasks = Option.map snd draft.DraftTasks
            Given = Option.map snd draft.DraftGiven
            Weights = draft.DraftWeights
        }

        Data.InMemory {
            Name = name
            Input = shape
            Steps = draft.DraftSteps
            EachStep = draft.DraftEachStep
            Target =
                match draft.DraftTarget with
                | ArrayTarget.Classes(count, _) -> Target.Classes count
                | ArrayTarget.Values(width, _) -> Target.Values width
            Tasks = Option.map fst draft.DraftTasks
            Given = Option.map fst draft.DraftGiven
            Weighted = draft.DraftWeights.IsSome
            Points = count
            HeldOut = draft.DraftHeldOut
            Test = draft.DraftTest
            SplitSeed = draft.DraftSplitSeed
            Checksum = Arrays.checksum arrays
            Arrays = Carried.some arrays
        }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(MissingInMemory.Message, WrongChild.Code, IsError = true)>]
    member _.Run(_: InMemoryDraft<'Input, 'Target>) : Data = invalidOp MissingInMemory.Message

[<AutoOpen>]
module InMemorySource =

    /// Arrays of the script's own: x [width], [C, H, W] or sequences [T, width], and y [width] of numbers or a class, of a sequence at every step. `inputs`, and `classes` or `values`, must be
    /// said. JSON holds name, shapes and a checksum; an experiment that was read from JSON needs the arrays again (`Experiment.with_code_of`).
    /// Settings: `inputs`, `classes`, `values`, `tasks`, `given`, `weights`, `held_out`, `test`, `split_seed`.
    /// Example: `in_memory "xor" { inputs (array2D [ [ 0.0f; 1.0f ]; [ 1.0f; 1.0f ] ]); classes 2 [| 1; 0 |] }`
    let in_memory (name: string) = InMemoryBuilder name

module internal InMemoryKind =

    let private fields =
        Codec.fields {
            let! name = Codec.field "name" (fun (data: InMemoryData) -> data.Name) Codec.string
            and! input = Codec.field "input" _.Input Words.shape
            and! steps = Codec.unlessPlain "steps" 1 _.Steps Codec.int
            and! target = Codec.field "target" _.Target DataKind.target
            and! eachStep = Codec.unlessPlain "each_step" false _.EachStep Codec.bool
            and! tasks = Codec.field "tasks" _.Tasks (Codec.option Codec.int)
            and! given = Codec.field "given" _.Given (Codec.option Codec.int)
            and! weighted = Codec.unlessPlain "weighted" false _.Weighted Codec.bool
            and! points = Codec.field "points" _.Points Codec.int
            and! heldOut = Codec.field "held_out" _.HeldOut Codec.int
            and! test = Codec.field "test" _.Test Codec.int
            and! splitSeed = Codec.field "split_seed" _.SplitSeed Codec.int
            and! checksum = Codec.field "checksum" _.Checksum Codec.string

            return {
                InMemoryData.Name = name
                Input = input
                Steps = steps
                Target = target
                EachStep = eachStep
                Tasks = tasks
                Given = given
                Weighted = weighted
                Points = points
                HeldOut = heldOut
                Test = test
                SplitSeed = splitSeed
                Checksum = checksum
                Arrays = Carried.none
            }
        }

    let private disagree (rules: DataRules) setting expected got remedy =
        rules.Notes.Add(Fault.ArraysDisagree, rules.Place setting, expected, got, remedy)

    /// As many of something as there are datapoints.
    let private asMany rules setting what (data: InMemoryData) (length: int) (each: int) =
        if each >= 1 && length <> data.Points * each then
            disagree
                rules
                setting
                $"{Numbers.grouped (int64 data.Points)} {what}, one for each of the inputs"
                (Numbers.grouped (int64 (length / each)))
                "make them as many"

    let private below rules setting what limit (values: int array) =
        match values |> Array.tryFindIndex (fun value -> value < 0 || value >= limit) with
        | Some index when limit >= 1 ->
            disagree rules setting $"{what} from 0 to {limit - 1}" $"{values[index]} at datapoint {index + 1}" "mend it"
        | _ -> ()

    /// Whether what the head reads are steps, of which each needs a target.
    let private eachStep (rules: DataRules) (data: InMemoryData) =
        let setting =
            match data.Target with
            | Target.Classes _ -> "classes"
            | Target.Values _ -> "values"

        match rules.HeadReads with
        | Some(Shape.Sequence _) when not data.EachStep ->
            disagree
                rules
                setting
                $"{setting} of every step of the sequences, [N, T]"
                "one for each datapoint"
                "give an array with a place for every step"
        | Some(Shape.Vector _) when data.EachStep ->
            disagree
                rules
                setting
                $"{setting} of every datapoint, [N]: the network's head reads one vector"
                "one for each step"
                "give one for each datapoint"
        | _ -> ()

    let private arrays rules (data: InMemoryData) (values: Arrays) =
        let steps = if data.EachStep then data.Steps else 1

        match values.Target with
        | ArrayTarget.Classes(count, ofEach) ->
            asMany rules "classes" "classes" data ofEach.Length steps
            below rules "classes" "classes" count ofEach
        | ArrayTarget.Values(width, rows) -> asMany rules "values" "rows of values" data rows.Length (width * steps)

        values.Tasks
        |> Option.iter (fun ids ->
            asMany rules "tasks" "task ids" data ids.Length 1
            data.Tasks |> Option.iter (fun count -> below rules "tasks" "task ids" count ids))

        values.Given
        |> Option.iter (fun choices ->
            data.Given
            |> Option.iter (fun columns -> asMany rules "given" "rows of choices" data choices.Length columns))

        values.Weights
        |> Option.iter (fun weights ->
            asMany rules "weights" "weights" data weights.Length 1

            match weights |> Array.tryFindIndex (fun weight -> not (weight >= 0.0f && Single.IsFinite weight)) with
            | Some index ->
                disagree
                    rules
                    "weights"
                    "finite weights of 0 or more"
                    $"{Numbers.ofSingle weights[index]} at datapoint {index + 1}"
                    "mend it, or give the datapoint weight 0 to leave it out"
            | None ->
                if weights.Length > 0 && weights |> Array.forall ((=) 0.0f) then
                    disagree
                        rules
                        "weights"
                        "a weight above 0"
                        $"{Numbers.grouped (int64 weights.Length)} weights of 0"
                        "give datapoints that count a weight above 0, or leave `weights` out")

    /// How many datapoints count; all of them in a spec that has no arrays.
    let private counting (data: InMemoryData) =
        match data.Arrays.Value |> Option.bind _.Weights with
        | Some weights -> weights |> Seq.filter (fun weight -> weight <> 0.0f) |> Seq.length
        | None -> data.Points

    let private check (rules: DataRules) (data: InMemoryData) =
        rules.Notes.Name(rules.Place "name", "data", data.Name)
        rules.Sizes(data.Input, data.Target, sequences = true)
        rules.Notes.Positive(rules.Place "inputs", "a number of steps", data.Steps) |> ignore
        eachStep rules data
        if data.Input.IsSequence then rules.Windows data.Steps

        match rules.Notes.Positive(rules.Place "inputs", "a number of datapoints", data.Points) with
        | Some _ when data.HeldOut >= 0 && data.Test >= 0 ->
            // That all weights are 0 is a message of its own.
            let counting = counting data
            rules.HeldOut("held_out", (data.HeldOut + data.Test), (if counting > 0 then Some counting else None))
        | _ ->
            rules.HeldOut("held_out", data.HeldOut, None)
            rules.HeldOut("test", data.Test, None)

        match data.Arrays.Value with
        | Some values -> arrays rules data values
        | None -> rules.Unknown("arrays", data.Name)

        rules.Fits("arrays in memory", Some data.Input, data.Target)

    let kind = {
        DataKind.make
            "in_memory"
            (function
            | Data.InMemory data -> Some data
            | _ -> None)
            Data.InMemory
            fields
            check with
            Points = fun data -> Some(counting data - max 0 data.HeldOut - max 0 data.Test, "")
            WithoutValidation = fun data -> DataKind.holdOut data.HeldOut
            Tasks = fun data -> Option.map Some data.Tasks
            Given = _.Given
            Values = fun data -> DataKind.numberedOf data.Target
    }
