/// Tasks one after the other: which datapoints a minibatch has, and what is replayed of earlier tasks.
module ModNet.Tests.ReplayTests

open System
open Expecto
open FsCheck.FSharp
open ModNet.Runtime
open TorchSharp

/// Tasks of so many datapoints and steps each.
type private Tasks = { Counts: int list; Steps: int list; Seed: int }

/// A table of assignments over layers that may share pools, and changes of it.
type private Table = {
    Datapoints: int
    /// Pool and M of every choice.
    Choices: (int * int) list
    /// Which datapoints are added to an index, in which order, and at which of the changes.
    Added: int list
    Seed: int
    Wanted: int
}

type private Drawn =
    static member Tasks() : FsCheck.Arbitrary<Tasks> =
        gen {
            let! tasks = Gen.choose (1, 5)
            let! counts = Gen.listOfLength tasks (Gen.choose (1, 12))
            let! steps = Gen.listOfLength tasks (Gen.choose (1, 6))
            let! seed = Gen.choose (1, 1_000_000)
            return { Counts = counts; Steps = steps; Seed = seed }
        }
        |> Arb.fromGen

    static member Table() : FsCheck.Arbitrary<Table> =
        gen {
            let! datapoints = Gen.choose (1, 30)
            let! choices = Gen.choose (1, 4)
            let! pools = Gen.listOfLength choices (Gen.choose (0, 2))
            let! sizes = Gen.listOfLength 3 (Gen.choose (1, 4))
            let! added = Gen.choose (1, datapoints)
            let! seed = Gen.choose (1, 1_000_000)
            let! wanted = Gen.choose (1, 20)

            return {
                Datapoints = datapoints
                Choices = [ for pool in pools -> pool, sizes[pool] ]
                Added = [ 0 .. added - 1 ]
                Seed = seed
                Wanted = wanted
            }
        }
        |> Arb.fromGen

let private config seed = trying 100 typeof<Drawn> (seed, 1UL)

let private streamOf (replay: ReplayPlan option) (tasks: Tasks) =
    let firsts = tasks.Counts |> List.scan (+) 0

    TaskStream(
        [|
            for number, (count, steps) in List.indexed (List.zip tasks.Counts tasks.Steps) ->
                TaskSpan($"task {number}", int64 firsts[number], int64 count, int64 steps)
        |],
        Replay = Option.toObj replay
    )

/// The task of each gradient step, counted out.
let private taskOfSteps (tasks: Tasks) = [
    for number, steps in List.indexed tasks.Steps do
        yield! List.replicate steps number
]

let private assignments (table: Table) =
    let modules = [| for _, modules in table.Choices -> modules |]
    use generator = generator table.Seed
    Assignments.Uniform(int64 table.Datapoints, modules, generator)

let private indexOf (table: Table) (assigned: Assignments) =
    new AssignmentIndex(
        assigned,
        [| for pool, _ in table.Choices -> $"pool {pool}" |],
        [| for _, modules in table.Choices -> modules |]
    )

/// The modules of a datapoint's a*, by pool.
let private met (table: Table) (assigned: Assignments) (datapoint: int64) =
    Set [ for choice, (pool, _) in List.indexed table.Choices -> pool, assigned[datapoint, choice] ]

/// Replaces a* of datapoints at random, so many times.
let private shuffle (table: Table) (assigned: Assignments) times =
    let random = Random table.Seed

    for _ in 1..times do
        let composition = [| for _, modules in table.Choices -> int64 (random.Next modules) |]
        assigned.Set(int64 (random.Next table.Datapoints), composition)

/// Writes down the datapoints of every minibatch.
type private Recording(graph: Graph, data: Dataset, settings: GradientSettings, streams: RandomStreams) =
    inherit TrainingMethod(graph, data, settings, streams, torch.CPU)

    member val Seen = ResizeArray<int64 array>()

    override method.LossOf(datapoints: int64 array, batch: Batch) =
        method.Seen.Add datapoints
        let output = method.Forward(batch, new ModeSelector())
        let logLikelihood = graph.Head.MeanLogLikelihood(output.Features, batch.Targets, batch.Weights)
        MinibatchLoss(-logLikelihood, logLikelihood, (fun () -> output))

let private record (stream: TaskStream) (batch: int64) (steps: int) (count: int) seed =
    scoped
    <| fun () ->
        use streams = new RandomStreams(int64 seed)
        let linear = new LinearNode("linear1", 1, 1, Activation.Identity, true, Initialiser(streams.Init))
        use graph = new Graph([| linear :> Node |], new GaussianHead(1.0, false, Initialiser(streams.Init)))
        use data = new Dataset(normal seed [ count; 1 ], normal (seed + 1) [ count; 1 ])

        let data' =
            new Dataset(data.Inputs.to_type torch.ScalarType.Float32, data.Targets.to_type torch.ScalarType.Float32)

        use method = new Recording(graph, data', GradientSettings(batch, Stream = stream), streams)

        for _ in 1..steps do
            method.Step()

        data'.Dispose()
        List.ofSeq method.Seen

[<Tests>]
let tests =
    testList "streams" [
        testPropertyWithConfig (config 20261130UL) "every step is of the task whose turn it is"
        <| fun (tasks: Tasks) ->
            let stream = streamOf None tasks
            let expected = taskOfSteps tasks
            Expect.equal stream.Steps (int64 expected.Length) "steps in all"

            Expect.equal
                [ for step in 0 .. expected.Length - 1 -> stream.At(int64 step) ]
                expected
                "the task of each step"

            Expect.equal (stream.At(stream.Steps)) (List.last expected) "after the end it stays the last"

            for number in 0 .. tasks.Counts.Length - 1 do
                let own = expected |> List.indexed |> List.filter (snd >> (=) number) |> List.map (fst >> int64)
                Expect.equal (stream.Start number) own.Head "where a task begins"
                Expect.equal (stream.End number) (List.last own + 1L) "where it ends"

            Expect.equal
                [ for step in 0L .. stream.Steps -> stream.EndsAt step ]
                [
                    for step in 0 .. expected.Length ->
                        step > 0 && (step = expected.Length || expected[step] <> expected[step - 1])
                ]
                "ends"

        testPropertyWithConfig (config 20261131UL) "each task has the learning rates of a run of its own"
        <| fun (tasks: Tasks) ->
            let schedules = [ for steps in tasks.Steps -> WarmupSchedule(1L, CosineSchedule(int64 steps)) :> Schedule ]
            let all = StreamSchedule [| for steps, own in List.zip tasks.Steps schedules -> struct (int64 steps, own) |]

            Expect.equal
                [ for step in 0 .. List.sum tasks.Steps - 1 -> all.Factor(int64 step) ]
                [
                    for steps, own in List.zip tasks.Steps schedules do
                        for step in 0 .. steps - 1 -> own.Factor(int64 step)
                ]
                "factors"

        testPropertyWithConfig
            (config 20261132UL)
            "minibatches have datapoints of their task alone, in passes of its own"
        <| fun (tasks: Tasks) ->
            let stream = streamOf None tasks
            let seen = record stream 3L (int stream.Steps) (List.sum tasks.Counts) tasks.Seed

            for number, span in Seq.indexed stream.Tasks do
                let own = seen |> List.skip (int (stream.Start number)) |> List.truncate (int span.Steps)
                let perPass = int (Minibatches.PerPass(span.Count, 3L, false))

                for pass in List.chunkBySize perPass own do
                    let datapoints = pass |> Array.concat

                    if pass.Length = perPass then
                        Expect.equal
                            (Array.sort datapoints)
                            [| span.First .. span.First + span.Count - 1L |]
                            "a pass has every datapoint of the task once"
                    else
                        Expect.allEqual
                            [ for n in datapoints -> n >= span.First && n < span.First + span.Count ]
                            true
                            "a part of one has no others"

        testPropertyWithConfig
            (config 20261133UL)
            "replay adds as many stored datapoints as it says, all different, of earlier tasks"
        <| fun (tasks: Tasks) (FsCheck.PositiveInt wanted) (FsCheck.PositiveInt memory) ->
            let wanted, memory = 1 + wanted % 9, 1 + memory % 9
            let stream = streamOf (Some(ReplayPlan(int64 wanted, Memory = Nullable(int64 memory)))) tasks
            let seen = record stream 3L (int stream.Steps) (List.sum tasks.Counts) tasks.Seed

            for step, task in List.indexed (taskOfSteps tasks) do
                let present, replayed = seen[step] |> Array.partition (fun n -> n >= stream.Tasks[task].First)

                let kept = tasks.Counts |> List.take task |> List.sumBy (min memory)
                Expect.equal replayed.Length (min wanted kept) "exactly as many as there are to be"
                Expect.equal (Array.distinct replayed) replayed "no datapoint twice"
                Expect.equal seen[step] (Array.append present replayed) "after the task's own"

            // What is stored of a task is the same in every step.
            let stored =
                seen
                |> List.collect List.ofArray
                |> ignore
                |> fun () ->
                    use streams = new RandomStreams(int64 tasks.Seed)
                    use replay = new ReplayMemory(stream, int64 tasks.Seed, (fun () -> streams["replay"]), null)
                    replay.Enter(tasks.Counts.Length - 1)
                    Set replay.Stored

            for step, task in List.indexed (taskOfSteps tasks) do
                for n in seen[step] do
                    if n < stream.Tasks[task].First then
                        Expect.isTrue (stored.Contains n) "one of those that are stored"

        testPropertyWithConfig (config 20261134UL) "the index is a* the other way round, whatever replaces a*"
        <| fun (table: Table) ->
            let assigned = assignments table
            use index = indexOf table assigned
            let early, late = table.Added |> List.splitAt (table.Added.Length / 2)
            index.Add [ for n in early -> int64 n ]
            shuffle table assigned 40
            index.Add [ for n in late -> int64 n ]
            shuffle { table with Seed = table.Seed + 1 } assigned 40
            let pools = table.Choices |> List.map fst |> List.distinct
            let mutable first = 0

            for pool in pools do
                let modules = table.Choices |> List.find (fst >> (=) pool) |> snd

                for number in 0 .. modules - 1 do
                    Expect.equal
                        (List.ofSeq (index.Holders(first + number)))
                        [
                            for n in table.Added do
                                if (met table assigned (int64 n)).Contains(pool, int64 number) then int64 n
                        ]
                        $"who has module {number} of pool {pool}"

                first <- first + modules

            Expect.equal index.Modules first "all pools"

        testPropertyWithConfig
            (config 20261135UL)
            "replay by module draws exactly as many as meet the minibatch's modules"
        <| fun (table: Table) ->
            let assigned = assignments table
            let count = table.Added.Length
            let rest = table.Datapoints - count

            let stream =
                TaskStream(
                    [| TaskSpan("before", 0L, int64 count, 1L); TaskSpan("now", int64 count, int64 (max 1 rest), 1L) |],
                    Replay = ReplayPlan(int64 table.Wanted, true)
                )

            use generator = generator table.Seed
            use replay = new ReplayMemory(stream, 1L, (fun () -> generator), (fun () -> indexOf table assigned))
            replay.Enter 1
            shuffle table assigned 40
            let minibatch = [| for n in count .. min (table.Datapoints - 1) (count + 2) -> int64 n |]

            let used =
                Set.unionMany [
                    for n in minibatch do
                        met table assigned n
                ]

            let meeting = [
                for n in table.Added do
                    if not (Set.intersect used (met table assigned (int64 n))).IsEmpty then int64 n
            ]

            for _ in 1..5 do
                let drawn = replay.DrawMeeting minibatch
                Expect.equal drawn.Length (min table.Wanted meeting.Length) "as many as there are to be"
                Expect.equal (Array.distinct drawn) drawn "no datapoint twice"
                Expect.isEmpty (drawn |> Array.except meeting) "all of them meet a module of the minibatch"

        testCase "modules that a minibatch uses more often are replayed more often"
        <| fun () ->
            // Datapoints 0 to 99 have module 0, 100 to 199 module 1; three of the minibatch's four have module 1.
            let table = { Datapoints = 204; Choices = [ 0, 2 ]; Added = [ 0..199 ]; Seed = 1; Wanted = 8 }
            let assigned = assignments table

            for n in 0..203 do
                assigned.Set(int64 n, [| (if n < 100 || n = 200 then 0L else 1L) |])

            let stream =
                TaskStream(
                    [| TaskSpan("before", 0L, 200L, 1L); TaskSpan("now", 200L, 4L, 1L) |],
                    Replay = ReplayPlan(8L, true)
                )

            use generator = generator 3
            use replay = new ReplayMemory(stream, 1L, (fun () -> generator), (fun () -> indexOf table assigned))
            replay.Enter 1

            let drawn = [
                for _ in 1..200 do
                    yield! replay.DrawMeeting [| 200L .. 203L |]
            ]

            let share = float (drawn |> List.filter (fun n -> n >= 100L) |> List.length) / float drawn.Length
            Expect.isTrue (abs (share - 0.75) < 0.04) $"three quarters, got {share}"

        testCase "what is made of the matrix of tasks"
        <| fun () ->
            let line step (values: float list) =
                MetricsLine(
                    step,
                    "test",
                    dict [ for task, value in List.zip [ "a"; "b"; "c" ] values -> $"accuracy/{task}", value ]
                    |> System.Collections.Generic.Dictionary
                )

            let log = [
                line 0L [ 0.1; 0.2; 0.3 ]
                line 5L [ 0.9; 0.5; 0.1 ]
                line 10L [ 0.7; 0.8; 0.4 ]
                line 15L [ 0.8; 0.6; 0.7 ]
            ]

            let of' lines = TaskResults.Of(lines, "test", [| "a"; "b"; "c" |], [| 5L; 10L; 15L |])
            let all = of' log
            Expect.equal all.Measure "accuracy" "measure"
            Expect.floatClose Accuracy.high all.Average.Value 0.7 "the last row's mean"

            Expect.floatClose
                Accuracy.high
                all.Forgetting.Value
                ((0.1 + 0.2) / 2.0)
                "the best of each column minus its last"

            Expect.floatClose Accuracy.high all.ForwardTransfer.Value ((0.3 + 0.1) / 2.0) "before its own training"
            let early = of' (List.take 2 log)
            Expect.equal early.Rows.Count 1 "rows so far"
            Expect.isFalse early.Forgetting.HasValue "nothing to forget yet"
            Expect.isNull (TaskResults.Of(log, "validation", [| "a" |], [| 5L |])) "not evaluated"
    ]
