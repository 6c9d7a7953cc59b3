namespace ModNet

/// What a stream of tasks and a training method make of each other.
module internal StreamRules =

    let private checkReplay (notes: Notes) place (method: Method) (stream: StreamData) (replay: Replay) =
        let unfit setting expected got remedy = notes.Add(Fault.ReplayUnfit, place setting, expected, got, remedy)
        notes.Positive(place "replay", "a number of datapoints", replay.Datapoints) |> ignore

        if stream.Together then
            unfit
                "replay"
                "tasks one after the other, of which earlier ones can be replayed"
                "`together`"
                "leave one of them out"

        match replay, method with
        | Replay.Uniform _, _
        | _, Method.Em _ -> ()
        | Replay.ByModule _, _ ->
            unfit
                "replay"
                "training by `em` for `Replay.ByModule`, which goes by the assignments a*"
                "a method without a*"
                "say `Replay.Uniform`, or train by `em`"

        let carries =
            stream.Tasks
            |> List.exists (fun task ->
                match task.Data with
                | Data.Text text -> text.CarryState
                | _ -> false)

        if carries then
            unfit
                "replay"
                "texts that start every window at zero, since a stored window has no state to start from"
                "`carry_state true`"
                "leave `carry_state` out, or `replay`"

    let private checkPlasticity
        (notes: Notes)
        place
        (plan: Plan)
        (method: Method)
        (stream: StreamData)
        (plasticity: float)
        =
        let unfit expected got remedy = notes.Add(Fault.PlasticityUnfit, place "plasticity", expected, got, remedy)

        if not (plasticity >= 0.0 && plasticity <= 1.0) then
            unfit
                "a factor in [0, 1]"
                (Numbers.ofFloat plasticity)
                "0.1 slows used modules down to a tenth; 0 keeps the most used one as it is"

        if stream.Together then
            unfit "tasks one after the other, of which earlier ones use modules" "`together`" "leave one of them out"

        if not method.IsEm then
            unfit
                "training by `em`, whose assignments a* say which modules are used"
                "a method without a*"
                "leave it out, or train by `em`"

        if plan.Pools.IsEmpty then unfit "a network that chooses modules" "one without modular layers" "leave it out"

    let private checkConsolidation (notes: Notes) place (stream: StreamData) =
        let unfit setting expected got remedy =
            notes.Add(Fault.ConsolidationUnfit, place setting, expected, got, remedy)

        match stream.Consolidation with
        | Some weight ->
            if not (weight >= 0.0 && System.Double.IsFinite weight) then
                unfit
                    "consolidation"
                    "a finite weight ≥ 0"
                    (Numbers.ofFloat weight)
                    "try 10, 100 and 1,000, and let the validation sets choose; 0 is without it"

            if stream.Together then
                unfit
                    "consolidation"
                    "tasks one after the other, of which earlier ones are kept"
                    "`together`"
                    "leave one of them out"
        | None ->
            if stream.Fisher.IsSome then
                unfit
                    "fisher"
                    "a `consolidation`, for which it is measured"
                    "none"
                    "say `consolidation`, or leave `fisher` out"

        stream.Fisher
        |> Option.iter (fun datapoints ->
            notes.Positive(place "fisher", "a number of datapoints", datapoints) |> ignore)

    let private checkGrowth (notes: Notes) place (plan: Plan) (method: Method) (stream: StreamData) (growth: Growth) =
        let unfit setting expected got remedy =
            notes.Add(Fault.GrowthUnfit, place $"growth{setting}", expected, got, remedy)

        for setting, what, count in
            [
                "add", "a number of modules", growth.Add
                "every", "a number of steps", growth.Every
                "datapoints", "a number of datapoints", growth.Datapoints
            ] do
            notes.Positive(place $"growth/{setting}", what, count) |> ignore

        if not (System.Double.IsFinite growth.Above) then
            unfit "/above" "a finite number of nats" (Numbers.ofFloat growth.Above) "give one, such as 0.5"

        if stream.Together then
            unfit
                ""
                "tasks one after the other, of which later ones ask for modules"
                "`together`"
                "leave one of them out"

        match method with
        | Method.Em _
        | Method.Reinforce _
        | Method.Exact _ -> ()
        | _ ->
            unfit
                ""
                "training by `em`, `reinforce` or `exact`, whose controllers choose what they run"
                "a method that runs a number of modules of its own"
                "leave it out, or train by another method"

        match plan.Pools |> List.tryFind (fun pool -> pool.Name = growth.Pool) with
        | None ->
            let names = plan.Pools |> List.map (fun pool -> $"`{pool.Name}`") |> String.concat ", "

            unfit
                ""
                (if names = "" then "a network that chooses modules" else $"the name of a pool: {names}")
                $"`{growth.Pool}`"
                "name a pool that there is"
        | Some pool when growth.Start < 1 || growth.Start >= pool.Pool.Modules ->
            unfit
                "/start"
                $"from 1 to {pool.Pool.Modules - 1} of M = {pool.Pool.Modules} modules"
                (string growth.Start)
                "let some modules wait, and some not"
        | Some _ -> ()

    /// Notes what is wrong with the stream where the data are one.
    let check (notes: Notes) root (plan: Plan) (data: Data) (method: Method) =
        match data with
        | Data.Stream stream ->
            let place setting = $"{root}/data/{setting}"
            stream.Replay |> Option.iter (checkReplay notes place method stream)
            stream.Plasticity |> Option.iter (checkPlasticity notes place plan method stream)
            checkConsolidation notes place stream
            stream.Growth |> Option.iter (checkGrowth notes place plan method stream)

            match stream.Replay with
            | Some(Replay.ByModule _) when plan.Pools.IsEmpty ->
                notes.Add(
                    Fault.ReplayUnfit,
                    place "replay",
                    "a network that chooses modules, for `Replay.ByModule`",
                    "one without modular layers",
                    "say `Replay.Uniform`"
                )
            | _ -> ()

            stream.Memory
            |> Option.iter (fun datapoints ->
                notes.Positive(place "memory", "a number of datapoints", datapoints) |> ignore

                if stream.Replay.IsNone then
                    notes.Add(
                        Fault.ReplayUnfit,
                        place "memory",
                        "a `replay`, for which datapoints are stored",
                        "none",
                        "say `replay`, or leave `memory` out"
                    ))

            let gradient = method.Gradient

            if gradient.Epochs.IsSome then
                notes.Add(
                    Fault.MethodUnfit,
                    $"{root}/train/epochs",
                    "a stream's length in `steps`, which count for every task",
                    "epochs",
                    "say `steps`, and `steps_of` for a task that has others"
                )

            if stream.IsSequential && gradient.EarlyStopping.IsSome then
                notes.Add(
                    Fault.MethodUnfit,
                    $"{root}/train/early_stopping",
                    "tasks that are trained on for all their steps",
                    "`early_stopping`, which would leave tasks out",
                    "leave it out"
                )

            let total = stream.StepsOfTasks gradient.Steps |> List.sumBy int64

            if total > int64 System.Int32.MaxValue then
                notes.Add(
                    Fault.TooLarge,
                    $"{root}/train/steps",
                    $"at most {Numbers.grouped (int64 System.Int32.MaxValue)} gradient steps over all tasks",
                    Numbers.grouped total,
                    "train for fewer"
                )

            if stream.IsSequential then
                for task, steps in List.zip stream.Tasks (stream.StepsOfTasks gradient.Steps) do
                    gradient.LooseRounds
                    |> Option.iter (fun round ->
                        if round >= 1 && steps >= 1 && steps % round <> 0 then
                            notes.Add(
                                Fault.MethodUnfit,
                                place task.Name,
                                $"a multiple of {round} steps, those of a loose round, because an evaluation ends a task",
                                string steps,
                                $"say {(steps / round + 1) * round}"
                            ))
        | _ -> ()
