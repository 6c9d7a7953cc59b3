namespace ModNet

module internal Schedules =

    let codec: Codec<Schedule> =
        Codec.recursive (fun schedule ->
            Codec.union [
                Codec.constant "constant" Constant
                Codec.constant "cosine" Cosine
                Codec.case
                    "decay"
                    (function
                    | Decay(every, factor) -> Some(every, factor)
                    | _ -> None)
                    Decay
                    (Codec.pair ("every", Codec.int) ("factor", Codec.float))
                Codec.case
                    "warmup"
                    (function
                    | Warmup(steps, after) -> Some(steps, after)
                    | _ -> None)
                    Warmup
                    (Codec.pair ("steps", Codec.int) ("after", schedule))
            ])

    /// Notes what is wrong with a schedule over so many steps, which the method calls `word`.
    let rec check (notes: Notes) word place (steps: int) schedule =
        match schedule with
        | Constant
        | Cosine -> ()
        | Decay(every, factor) ->
            notes.Positive(place, $"a decay every number of {word}", every) |> ignore

            if not (factor > 0.0 && factor <= 1.0) then
                notes.Add(
                    Fault.ScheduleOutOfRange,
                    place,
                    "a factor in (0, 1] for `Decay`",
                    Numbers.ofFloat factor,
                    "say 0.5 to halve the rate each time"
                )
        | Warmup(warm, after) ->
            match notes.Positive(place, $"a warmup's number of {word}", warm) with
            | Some warm when steps >= 1 && warm >= steps ->
                notes.Add(
                    Fault.ScheduleOutOfRange,
                    place,
                    $"a warmup of fewer than {Numbers.grouped (int64 steps)} {word}, which are all there are",
                    Numbers.grouped (int64 warm),
                    "warm up for fewer, or train for more"
                )
            | _ -> ()

            check notes word place (steps - warm) after
