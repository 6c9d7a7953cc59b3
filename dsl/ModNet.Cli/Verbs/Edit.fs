namespace ModNet.Cli.Verbs

open System
open System.CommandLine
open ModNet
open ModNet.Cli
open ModNet.Runtime

/// `./modnet edit RUN OPERATOR … --out DIR`: a trained network with another structure.
[<RequireQualifiedAccess>]
module Edit =

    let private help =
        "Change a trained network: exclude, relabel, augment, clone, unmask, substitute, swap, inverse, freeze, split."

    let private run = Argument<string>("RUN", Description = "a run's folder")

    let private (|Number|_|) (word: string) =
        match Int32.TryParse word with
        | true, number -> Some number
        | _ -> None

    /// At least one word, all of them whole numbers.
    let private (|Numbers|_|) (words: string list) =
        let numbers =
            words
            |> List.choose (function
                | Number number -> Some number
                | _ -> None)

        if words.IsEmpty || numbers.Length < words.Length then None else Some numbers

    let private distilled teach (network: TrainedNetwork) =
        let taught, fit: TrainedNetwork * float = teach (Distillation()) network
        printfn $"R² of the new module on the rows routed to it: %.6f{fit}"
        taught

    /// A unit of one hidden layer that reads and gives what a pool's modules of vectors do.
    let private narrow (pool: string) (width: int) (network: TrainedNetwork) : Chain =
        match (EditSpec.pool network.Plan pool).Output with
        | Shape.Vector given ->
            chain {
                linear width |> relu
                linear given
            }
        | other ->
            raise (
                UserException(
                    $"pool {pool}",
                    "modules that give a vector",
                    string other,
                    "say the new unit in a script, by Edit.distil_into"
                )
            )

    let private substituted pool number (source: TrainedNetwork) sourcePool sourceNumber network =
        use source = source
        ModNet.Edit.substitute pool number source sourcePool sourceNumber network

    /// What an operator makes of a network, by the words behind its name; None where they are not its words.
    type private Act = (string -> TrainedNetwork) -> string list -> (TrainedNetwork -> TrainedNetwork) option

    /// Every operator: its name, what follows it, what it does, and how. `split-at` gives two networks and `decode` a run, so they stand by themselves.
    let private operators: (string * string * string * Act) list = [
        "exclude",
        "POOL M…",
        "take modules out of a pool",
        (fun _ words ->
            match words with
            | pool :: Numbers modules -> Some(ModNet.Edit.exclude pool modules)
            | _ -> None)
        "exclude-units",
        "LAYER UNIT…",
        "take units out of a linear layer, or channels out of a convolution",
        (fun _ words ->
            match words with
            | layer :: Numbers units -> Some(ModNet.Edit.exclude_units layer units)
            | _ -> None)
        "relabel",
        "POOL M…",
        "put a pool's modules into another order",
        (fun _ words ->
            match words with
            | pool :: Numbers order -> Some(ModNet.Edit.relabel pool order)
            | _ -> None)
        "augment",
        "POOL N",
        "add N new modules to a pool, masked until they are unmasked",
        (fun _ words ->
            match words with
            | [ pool; Number count ] -> Some(ModNet.Edit.augment pool count)
            | _ -> None)
        "clone",
        "POOL M",
        "add a module once more",
        (fun _ words ->
            match words with
            | [ pool; Number number ] -> Some(ModNet.Edit.clone pool number)
            | _ -> None)
        "unmask",
        "POOL M…",
        "let layers choose masked modules",
        (fun _ words ->
            match words with
            | pool :: Numbers modules -> Some(ModNet.Edit.unmask pool modules)
            | _ -> None)
        "substitute",
        "POOL M RUN POOL M",
        "put a module of another run in the place of a module",
        (fun load words ->
            match words with
            | [ pool; Number number; source; sourcePool; Number sourceNumber ] ->
                Some(fun network -> substituted pool number (load source) sourcePool sourceNumber network)
            | _ -> None)
        "distil",
        "POOL M [WIDTH]",
        "teach a new module what a module does, on the rows routed to it, and put it in its place; with WIDTH one of a hidden layer as wide",
        (fun _ words ->
            match words with
            | [ pool; Number number ] -> Some(distilled (ModNet.Edit.distil pool number))
            | [ pool; Number number; Number width ] ->
                Some(fun network ->
                    network |> distilled (ModNet.Edit.distil_into pool number (narrow pool width network)))
            | _ -> None)
        "swap",
        "LAYER LAYER",
        "exchange two layers",
        (fun _ words ->
            match words with
            | [ first; second ] -> Some(ModNet.Edit.swap first second)
            | _ -> None)
        "inverse",
        "LAYER LAYER",
        "take out the couplings from one to another as a network, inverted",
        (fun _ words ->
            match words with
            | [ first; last ] -> Some(ModNet.Edit.inverse first last)
            | _ -> None)
        "decode", "POOL", "train a decoder for a pool's modules, which says what they read", (fun _ _ -> None)
        "freeze",
        "PART…",
        "have training leave parts as they are",
        (fun _ words -> if words.IsEmpty then None else Some(ModNet.Edit.freeze words))
        "freeze-but",
        "PART…",
        "have training change these modules, pools and controllers alone",
        (fun _ words -> if words.IsEmpty then None else Some(ModNet.Edit.freeze_but words))
        "split-module",
        "POOL M",
        "take a module out as a network",
        (fun _ words ->
            match words with
            | [ pool; Number number ] -> Some(ModNet.Edit.split_module pool number)
            | _ -> None)
        "split-at", "LAYER", "cut the network in two after a layer, into OUT-1 and OUT-2", (fun _ _ -> None)
    ]

    // What they give has weights alone, and other inputs or outputs than the run.
    let private givesPart (operator: string) = operator.StartsWith "split" || operator = "inverse"

    let private operator =
        Argument<string>(
            "OPERATOR",
            Description =
                "what to do, with its own words behind it: "
                + String.concat "; " [ for name, words, what, _ in operators -> $"{name} {words} – {what}" ]
        )

    let private words =
        Argument<string array>("WORDS", Description = "the operator's words", Arity = ArgumentArity.ZeroOrMore)

    let private out = Option<string>("--out", Description = "the new folder", HelpName = "DIR", Required = true)

    let private best = Option<bool>("--best", Description = "edit best.safetensors instead of the newest checkpoint")

    let private rows =
        Option<int>(
            "--rows",
            Description = "how many datapoints the edit is measured on, at most; 0 measures nothing",
            HelpName = "N",
            DefaultValueFactory = fun _ -> 10_000
        )

    let private wrong (operator: string) (expected: string) (words: string list) =
        raise (
            UserException(
                $"edit {operator}",
                expected,
                (if words.IsEmpty then "nothing" else String.concat " " words),
                "modules, units and numbers are whole, and modules and units are counted from 0"
            )
        )

    let private edit (parsed: ParseResult) : int =
        let load = if parsed.GetValue best then Trained.load_best else Trained.load
        let name = parsed.GetValue operator
        let words = parsed.GetValue words |> Option.ofObj |> Option.map List.ofArray |> Option.defaultValue []
        let folder = parsed.GetValue out

        match operators |> List.tryFind (fun (known, _, _, _) -> known = name), words with
        | None, _ ->
            let known = [ for name, _, _, _ in operators -> name ]
            CommandLine.complain "edit" $"edit: there is no operator {name}{CommandLine.hint known name}"
        | Some("split-at", _, _, _), [ layer ] ->
            use network = load (parsed.GetValue run)
            let first, second = ModNet.Edit.split_at layer network
            use first = first
            use second = second
            ModNet.Edit.save $"{folder}-1" first
            ModNet.Edit.save $"{folder}-2" second
            printfn $"the network up to {layer}: {folder}-1"
            printfn $"the network after {layer}: {folder}-2"
            CommandLine.Exit.ok
        | Some("decode", _, _, _), [ pool ] ->
            use network = load (parsed.GetValue run)
            let decoder, fit = ModNet.Edit.decode pool folder network
            use _decoder = decoder
            printfn $"R² of what the modules read, on rows that the decoder did not learn from: %.6f{fit}"
            printfn $"the decoder: {folder}"
            CommandLine.Exit.ok
        | Some(_, expected, _, act), _ ->
            if parsed.GetValue rows < 0 then
                raise (UserException("--rows", "at least 0", string (parsed.GetValue rows), "0 measures nothing"))

            let change = act load words |> Option.defaultWith (fun () -> wrong name expected words)
            NewFolder.demand folder
            use network = load (parsed.GetValue run)
            use edited = change network
            let most = parsed.GetValue rows

            // Where the data are not those of the run, nothing is written.
            let measured =
                if most > 0 && not (givesPart name) then Some(EditReport.between most network edited) else None

            ModNet.Edit.save folder edited

            measured
            |> Option.iter (fun measured ->
                EditReport.lines measured |> List.iter (printfn "%s")
                EditPage.write folder network edited measured)

            printfn $"the edited network: {folder}"
            CommandLine.Exit.ok

    let verb = Verb.create "edit" help [ run; operator; words ] [ out; best; rows ] (Action.Parsed edit)
