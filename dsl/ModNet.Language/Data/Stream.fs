namespace ModNet

open System.ComponentModel

/// Sets the fields of a pool's growth; made by `growth`.
[<Sealed>]
type GrowthBuilder internal (pool: string) =
    inherit SettingsBlock<Growth>({ Pool = pool; Start = 1; Add = 1; Every = 100; Above = 0.0; Datapoints = 200 })

    /// How many modules of the pool may be chosen from the beginning, the first ones: from 1 to M − 1; 1 unless said.
    /// Example: `start 4`
    [<CustomOperation "start">]
    member _.Start(draft: Growth, modules: int) = { draft with Start = modules }

    /// How many more may be chosen each time, ≥ 1; 1 unless said.
    /// Example: `add 2`
    [<CustomOperation "add">]
    member _.Add(draft: Growth, modules: int) = { draft with Add = modules }

    /// After how many gradient steps of a task after the first it is asked whether it needs more, and again after as many; 100 unless said.
    /// Example: `every 50`
    [<CustomOperation "every">]
    member _.Every(draft: Growth, steps: int) = { draft with Every = steps }

    /// The pool grows if the task's mean −log p(y|x, a), with the modules of evaluation, is above so many nats per datapoint; 0 unless said.
    /// Example: `above 0.5`
    [<CustomOperation "above">]
    member _.Above(draft: Growth, nats: float) = { draft with Above = nats }

    /// Over how many training datapoints of the task that is measured, drawn by the experiment's seed; 200 unless said.
    /// Example: `datapoints 500`
    [<CustomOperation "datapoints">]
    member _.Datapoints(draft: Growth, count: int) = { draft with Datapoints = count }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: Growth) = draft

module internal PlainStream =

    /// Tasks one after the other, of whose settings none has been said.
    let ofTasks (tasks: StreamTask list) : StreamData = {
        Tasks = tasks
        Together = false
        Steps = []
        Replay = None
        Memory = None
        Plasticity = None
        Consolidation = None
        Fisher = None
        Growth = None
    }

/// Sets a stream's fields; made by `stream`.
[<Sealed>]
type StreamBuilder internal () =
    inherit SettingsBlock<StreamData>(PlainStream.ofTasks [])

    /// One more task: its name, and any data that fit the network. The first task has task id 0.
    /// Example: `task "01" (mnist "data/mnist" { only [ 0; 1 ] })`
    [<CustomOperation "task">]
    member _.Task(draft: StreamData, name: string, data: Data) = {
        draft with
            Tasks = draft.Tasks @ [ { Name = name; Data = data } ]
    }

    /// Several more tasks, names and data.
    /// Example: `tasks [ for seed in 1..5 -> $"order {seed}", mnist "data/mnist" { permuted seed } ]`
    [<CustomOperation "tasks">]
    member _.Tasks(draft: StreamData, tasks: (string * Data) list) = {
        draft with
            Tasks = draft.Tasks @ [ for name, data in tasks -> { Name = name; Data = data } ]
    }

    /// The number of gradient steps on the task of this name, ≥ 1; unless said it is the method's `steps`.
    /// Example: `steps_of "23" 500`
    [<CustomOperation "steps_of">]
    member _.StepsOf(draft: StreamData, name: string, steps: int) = { draft with Steps = draft.Steps @ [ name, steps ] }

    /// Mixes the datapoints of all tasks, for as many gradient steps as the tasks have one after the other; unless said they are trained on one after the
    /// other, in order.
    /// Example: `together`
    [<CustomOperation "together">]
    member _.Together(draft: StreamData) = { draft with Together = true }

    /// Adds stored datapoints of earlier tasks to each minibatch: `Replay.Uniform n`, or `Replay.ByModule n` of those whose a* has a module that the
    /// minibatch uses, which needs `em`. E-steps go through as many stored datapoints, so that their a* are kept up; unless said nothing is added.
    /// Example: `replay (Replay.ByModule 128)`
    [<CustomOperation "replay">]
    member _.Replay(draft: StreamData, replay: Replay) = { draft with Replay = Some replay }

    /// How many datapoints of each earlier task are stored for `replay`, ≥ 1, drawn by the experiment's seed; all unless said.
    /// Example: `memory 200`
    [<CustomOperation "memory">]
    member _.Memory(draft: StreamData, datapoints: int) = { draft with Memory = Some datapoints }

    /// How much of a gradient step a module keeps that the a* of earlier tasks have most often, in [0, 1]; 1 unless said. Another module of its pool, which they have u times as often,
    /// keeps 1 − (1 − p) u, and one that they do not have all. It is settled when a task begins, and needs `em`.
    /// Example: `plasticity 0.1`
    [<CustomOperation "plasticity">]
    member _.Plasticity(draft: StreamData, factor: float) = { draft with Plasticity = Some factor }

    /// Elastic weight consolidation with weight λ ≥ 0: later tasks pay λ/2 · Σ F (θ − θ*)² for what they change, where θ* are the parameters at the end of the task before and F is
    /// the diagonal of the Fisher information of all earlier tasks, measured when each of them ends; unless said there is none, and λ = 0 is none.
    /// Example: `consolidation 100.0`
    [<CustomOperation "consolidation">]
    member _.Consolidation(draft: StreamData, weight: float) = { draft with Consolidation = Some weight }

    /// Over how many training datapoints of a task F is measured for `consolidation`, ≥ 1, drawn by the experiment's seed and taken one by one; 200 unless said.
    /// Example: `fisher 500`
    [<CustomOperation "fisher">]
    member _.Fisher(draft: StreamData, datapoints: int) = { draft with Fisher = Some datapoints }

    /// A pool that begins with some of its modules and lets controllers choose more where a task after the first asks for them, by `growth`; unless said all modules may be chosen.
    /// Example: `grow (growth "words" { start 4; every 50; above 0.5 })`
    [<CustomOperation "grow">]
    member _.Grow(draft: StreamData, growth: Growth) = { draft with Growth = Some growth }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: StreamData) = Data.Stream draft

[<AutoOpen>]
module StreamSource =

    /// Tasks one after the other, each with data of its own: lifelong learning. The method's `steps` count for every task, and its schedule begins anew with every
    /// task. Every datapoint has the number of its task as task id, which `tasks N` in the network gives to controllers of form `Task` and `ByTask`. All tasks have datapoints of one
    /// shape and one kind of target. Settings: `task`, `tasks`, `steps_of`, `together`, `replay`, `memory`, `plasticity`,
    /// `consolidation`, `fisher`, `grow`.
    /// Example: `stream { task "01" (mnist "data/mnist" { only [ 0; 1 ] }); task "23" (mnist "data/mnist" { only [ 2; 3 ] }); replay (Replay.Uniform 128) }`
    let stream = StreamBuilder()

    /// How a pool grows in a stream, by its name; of a layer's own pool `LAYER/pool`. Settings: `start`, `add`, `every`, `above`, `datapoints`.
    /// Example: `growth "words" { start 4; every 50; above 0.5 }`
    let growth (pool: string) = GrowthBuilder pool

module internal StreamKind =

    let private replay =
        Codec.union [
            Codec.case
                "uniform"
                (function
                | Replay.Uniform count -> Some count
                | _ -> None)
                Replay.Uniform
                (Codec.one "datapoints" Codec.int)
            Codec.case
                "by_module"
                (function
                | Replay.ByModule count -> Some count
                | _ -> None)
                Replay.ByModule
                (Codec.one "datapoints" Codec.int)
        ]

    let private growing =
        Codec.object (
            Codec.fields {
                let! pool = Codec.field "pool" (fun (growth: Growth) -> growth.Pool) Codec.string
                and! start = Codec.field "start" _.Start Codec.int
                and! add = Codec.field "add" _.Add Codec.int
                and! every = Codec.field "every" _.Every Codec.int
                and! above = Codec.field "above" _.Above Codec.float
                and! datapoints = Codec.field "datapoints" _.Datapoints Codec.int

                return { Pool = pool; Start = start; Add = add; Every = every; Above = above; Datapoints = datapoints }
            }
        )

    let private fields (data: Codec<Data>) =
        let task =
            Codec.object (
                Codec.fields {
                    let! name = Codec.field "name" (fun (task: StreamTask) -> task.Name) Codec.string
                    and! data = Codec.field "data" _.Data data
                    return { StreamTask.Name = name; Data = data }
                }
            )

        let steps =
            Codec.object (
                Codec.fields {
                    let! name = Codec.field "task" fst Codec.string
                    and! count = Codec.field "steps" snd Codec.int
                    return name, count
                }
            )

        Codec.fields {
            let! tasks = Codec.field "tasks" (fun (stream: StreamData) -> stream.Tasks) (Codec.list task)
            and! together = Codec.unlessPlain "together" false _.Together Codec.bool
            and! steps = Codec.unlessPlain "steps" [] _.Steps (Codec.list steps)
            and! replay = Codec.optional "replay" _.Replay replay
            and! memory = Codec.optional "memory" _.Memory Codec.int
            and! plasticity = Codec.optional "plasticity" _.Plasticity Codec.float
            and! consolidation = Codec.optional "consolidation" _.Consolidation Codec.float
            and! fisher = Codec.optional "fisher" _.Fisher Codec.int
            and! growth = Codec.optional "growth" _.Growth growing

            return {
                Tasks = tasks
                Together = together
                Steps = steps
                Replay = replay
                Memory = memory
                Plasticity = plasticity
                Consolidation = consolidation
                Fisher = fisher
                Growth = growth
            }
        }

    /// What all tasks give that have it.
    let private common (ask: Data -> 'Answer option) (stream: StreamData) : 'Answer option =
        match stream.Tasks |> List.choose (fun task -> ask task.Data) |> List.distinct with
        | [ answer ] -> Some answer
        | _ -> None

    let private check (find: Data -> AnyDataKind) (rules: DataRules) (stream: StreamData) =
        let unfit place expected got remedy = rules.Notes.Add(Fault.TasksUnfit, place, expected, got, remedy)

        if stream.Tasks.IsEmpty then unfit rules.Here "at least one task" "none" "say `task NAME DATA`"

        for task in stream.Tasks do
            rules.Notes.Name(rules.Place "task", "a task", task.Name)

        for name, times in stream.Tasks |> List.countBy _.Name do
            if times > 1 then
                unfit
                    (rules.Place name)
                    "every task to have a name of its own"
                    $"{times} tasks of this name"
                    "name them apart"

        for task in stream.Tasks do
            let within = rules.Within task.Name

            if task.Data.IsStream then
                unfit within.Here "data of one task" "a stream" "give its tasks to this stream"
            else
                let kind = find task.Data
                let _, found = rules.Notes.Aside(fun () -> kind.Check within task.Data)
                // What is wrong with the network beside the data is the same for many tasks.
                rules.Notes.AddNew found

                if (kind.Tasks task.Data).IsSome then
                    unfit
                        within.Here
                        "data without task ids, since a datapoint's is the number of its task"
                        "data with task ids"
                        "leave them out"

        let whole = stream.Tasks |> List.filter (fun task -> not task.Data.IsStream)

        let alike what (ask: Data -> 'Answer) (say: 'Answer -> string) =
            match whole with
            | first :: others ->
                for other in others do
                    if ask other.Data <> ask first.Data then
                        unfit
                            (rules.Place other.Name)
                            $"{what} as in task `{first.Name}`: {say (ask first.Data)}"
                            (say (ask other.Data))
                            "make the tasks alike"
            | [] -> ()

        alike "choices given by the data" (fun data -> (find data).Given data) (function
            | Some count -> string count
            | None -> "none")

        alike
            "the settings `window`, `vocabulary`, `characters` and `carry_state`"
            (function
            | Data.Text text -> Some { text with Path = "" }
            | _ -> None)
            (function
             | Some text ->
                 let vocabulary = text.Vocabulary |> Option.map string<int> |> Option.defaultValue "the data's own"

                 $"window {text.Window}, vocabulary {vocabulary}, characters {text.Characters}, carry_state {text.CarryState}"
                     .ToLowerInvariant()
             | None -> "data that are no text")

        for name, steps in stream.Steps do
            if stream.Tasks |> List.exists (fun task -> task.Name = name) |> not then
                let names = stream.Tasks |> List.map (fun task -> $"`{task.Name}`") |> String.concat ", "
                unfit (rules.Place "steps_of") $"the name of a task: {names}" $"`{name}`" "name a task that there is"

            rules.Notes.Positive(rules.Place "steps_of", "a number of steps", steps) |> ignore

        for name, times in List.countBy fst stream.Steps do
            if times > 1 then
                unfit
                    (rules.Place "steps_of")
                    "the steps of a task to be said once"
                    $"those of `{name}` {times} times"
                    "say them once"

    let private get data =
        match data with
        | Data.Stream stream -> Some stream
        | _ -> None

    /// Its JSON, in which the data of its tasks have this form.
    let json (data: Codec<Data>) : Case<Data> = Codec.case "stream" get Data.Stream (fields data)

    let kind (codec: Codec<Data>) (find: Data -> AnyDataKind) : DataKind<StreamData> =
        let ask (question: AnyDataKind -> Data -> 'Answer) (data: Data) = question (find data) data
        let any question (stream: StreamData) = stream.Tasks |> List.exists (fun task -> ask question task.Data)

        {
            DataKind.make "stream" get Data.Stream (fields codec) (check find) with
                Path = common (ask _.Path)
                // Files of one place go elsewhere together; those of several places stay where they are, but that a blank hides them all.
                At =
                    fun path stream ->
                        let own = common (ask _.Path) stream

                        let task (task: StreamTask) =
                            match ask _.Path task.Data with
                            | Some _ when own.IsSome || path = "" -> {
                                task with
                                    Data = (find task.Data).At path task.Data
                              }
                            | _ -> task

                        { stream with Tasks = stream.Tasks |> List.map task }
                Prepares = any _.Prepares
                Points =
                    fun stream ->
                        match stream.Tasks |> List.choose (fun task -> ask _.Points task.Data) with
                        | [] -> None
                        | counts when stream.Together ->
                            if counts.Length = stream.Tasks.Length then
                                Some(counts |> List.sumBy fst, snd counts.Head)
                            else
                                None
                        | counts -> Some(List.minBy fst counts)
                WithoutValidation =
                    fun stream -> stream.Tasks |> List.tryPick (fun task -> ask _.WithoutValidation task.Data)
                Tasks = fun stream -> if stream.Tasks.IsEmpty then None else Some(Some stream.Tasks.Length)
                Given = fun stream -> stream.Tasks |> List.tryPick (fun task -> ask _.Given task.Data)
                Values =
                    fun stream ->
                        match stream.Tasks with
                        | first :: _ -> ask _.Values first.Data
                        | [] -> []
        }
