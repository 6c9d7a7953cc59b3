namespace ModNet

open System

/// What is to be said of one kind of optimiser.
type internal OptimizerForm = {
    Json: Case<Optimizer>
    /// Notes what is wrong with one, at a place.
    Check: Notes -> string -> Optimizer -> unit
}

module internal Optimizers =

    let private rate (notes: Notes) place remedy value =
        notes.PositiveReal(Fault.NonPositiveRate, place, "a rate", value, remedy)

    let private form word get make fields check = {
        Json = Codec.case word get make fields
        Check = fun notes place optimizer -> get optimizer |> Option.iter (check notes place)
    }

    let private adam =
        form
            "adam"
            (function
            | Adam rate -> Some rate
            | _ -> None)
            Adam
            (Codec.one "rate" Codec.float)
            (fun notes place value -> rate notes place "Adam's usual rate is 1e-3" value)

    let private adamW =
        let fields = Codec.pair ("rate", Codec.float) ("decay", Codec.float)

        form
            "adamw"
            (function
            | AdamW(rate, decay) -> Some(rate, decay)
            | _ -> None)
            AdamW
            fields
            (fun notes place (value, decay) ->
                rate notes place "AdamW's usual rate is 1e-3" value

                if not (decay >= 0.0 && Double.IsFinite decay) then
                    notes.Add(
                        Fault.DecayOutOfRange,
                        place,
                        "a decay ≥ 0",
                        Numbers.ofFloat decay,
                        "AdamW's usual decay is 0.01"
                    ))

    let private sgd =
        let fields = Codec.pair ("rate", Codec.float) ("momentum", Codec.float)

        form
            "sgd"
            (function
            | Sgd(rate, momentum) -> Some(rate, momentum)
            | _ -> None)
            Sgd
            fields
            (fun notes place (value, momentum) ->
                rate notes place "SGD's usual rate is 0.1 or less" value

                if not (momentum >= 0.0 && momentum < 1.0) then
                    notes.Add(
                        Fault.MomentumOutOfRange,
                        place,
                        "a momentum in [0, 1)",
                        Numbers.ofFloat momentum,
                        "the usual one is 0.9; 0 is none"
                    ))

    let private all = [ adam; adamW; sgd ]

    let codec = Codec.union [ for form in all -> form.Json ]

    let check notes place optimizer =
        for form in all do
            form.Check notes place optimizer
