namespace ModNet

/// The words that stand for closed choices in JSON, for writing and reading alike.
module internal JsonWords =

    /// The version that is written. Version 1 is read too.
    [<Literal>]
    let Version = 2

    let activations = [ for activation in [ Relu; Tanh; Sigmoid ] -> activation, Kind.ofActivation activation ]

    let combines = [ Sum, "sum"; Concat, "concat" ]

    let duplicates = [ Every, "every"; Once, "once" ]

    let inits = [ Uniform, "uniform"; Glorot, "glorot"; He, "he"; Stacked, "stacked" ]

    let dispatches = [
        Auto, "auto"
        Loop, "loop"
        Grouped, "grouped"
        Wide, "wide"
        Gather, "gather"
        Kernel, "kernel"
    ]

    let separators = [ Comma, "comma"; Semicolon, "semicolon"; Tab, "tab" ]

    let unselected = [ Drift, "drift"; Rest, "rest" ]

    let starts = [ AtRandom, "at_random"; Sweep, "sweep" ]

    let helds = [ Beside, "beside"; Among, "among" ]

    let word (words: ('Value * string) list) value = words |> List.find (fst >> (=) value) |> snd
