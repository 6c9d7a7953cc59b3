namespace ModNet

/// The words that stand for closed choices in JSON, for writing and reading alike.
module internal JsonWords =

    /// The version that is written, and the one that is read.
    [<Literal>]
    let Version = 1

    let activations = [
        for activation in [ Relu; Tanh; Sigmoid ] -> activation, Kind.ofActivation activation
    ]

    let combines = [ Sum, "sum"; Concat, "concat" ]

    let controllers = [ Controller.Linear, "linear" ]

    let dispatches = [ Auto, "auto"; Loop, "loop"; Grouped, "grouped"; Wide, "wide" ]

    let word (words: ('Value * string) list) value =
        words |> List.find (fst >> (=) value) |> snd
