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
        "Change a trained network: exclude, relabel, augment, clone, unmask, substitute, swap, split, freeze."

    let private run = Argument<string>("RUN", Description = "a run's folder")

    /// Every operator: what follows its name, and what it does.
    let private operators: (string * string * string) list = [
        "exclude", "POOL M…", "take modules out of a pool"
        "exclude-units", "LAYER UNIT…", "take units out of a linear layer, or channels out of a convolution"
        "relabel", "POOL M…", "put a pool's modules into another order"
        "augment", "POOL N", "add N new modules to a pool, masked until they are unmasked"
        "clone", "POOL M", "add a module once more"
        "unmask", "POOL M…", "let layers choose masked modules"
        "substitute", "POOL M RUN POOL M", "put a module of another run in the place of a module"
        "distil", "POOL M", "teach a new module what a module does, on the rows routed to it, and put it in its place"
        "swap", "LAYER LAYER", "exchange two layers"
        "freeze", "PART…", "have training leave parts as they are"
        "split-module", "POOL M", "take a module out as a network"
        "split-at", "LAYER", "cut the network in two after a layer, into OUT-1 and OUT-2"
    ]

    let private operator =
        Argument<string>(
            "OPERATOR",
            Description =
                "what to do, with its own words behind it: "
                + String.concat "; " [ for name, words, what in operators -> $"{name} {words} – {what}" ]
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

    let private wrong (operator: string) (words: string list) =
        let _, expected, _ = operators |> List.find (fun (name, _, _) -> name = operator)

        let got = if words.IsEmpty then "nothing" else String.concat " " words

        raise (
            UserException(
                $"edit {operator}",
                expected,
                got,
                "modules, units and numbers are whole, and modules and units are counted from 0"
            )
        )

    let private (|Number|_|) (word: string) =
        match Int32.TryParse word with
        | true, number -> Some number
        | _ -> None

    let private numbers operator all (words: string list) =
        words
        |> List.map (function
            | Number number -> number
            | _ -> wrong operator all)

    let private apply
        (operator: string)
        (words: string list)
        (load: string -> TrainedNetwork)
        (network: TrainedNetwork)
        =
        match operator, words with
        | "exclude", pool :: (_ :: _ as modules) -> ModNet.Edit.exclude pool (numbers operator words modules) network
        | "exclude-units", layer :: (_ :: _ as units) ->
            ModNet.Edit.exclude_units layer (numbers operator words units) network
        | "relabel", pool :: (_ :: _ as order) -> ModNet.Edit.relabel pool (numbers operator words order) network
        | "augment", [ pool; Number count ] -> ModNet.Edit.augment pool count network
        | "clone", [ pool; Number number ] -> ModNet.Edit.clone pool number network
        | "unmask", pool :: (_ :: _ as modules) -> ModNet.Edit.unmask pool (numbers operator words modules) network
        | "substitute", [ pool; Number number; source; sourcePool; Number sourceNumber ] ->
            use source = load source
            ModNet.Edit.substitute pool number source sourcePool sourceNumber network
        | "distil", [ pool; Number number ] ->
            let taught, fit = ModNet.Edit.distil pool number (Distillation()) network
            printfn $"R² of the new module on the rows routed to it: %.6f{fit}"
            taught
        | "swap", [ first; second ] -> ModNet.Edit.swap first second network
        | "freeze", (_ :: _ as parts) -> ModNet.Edit.freeze parts network
        | "split-module", [ pool; Number number ] -> ModNet.Edit.split_module pool number network
        | _ -> wrong operator words

    let private edit (parsed: ParseResult) : int =
        let load = if parsed.GetValue best then Trained.load_best else Trained.load
        let name = parsed.GetValue operator
        let words = parsed.GetValue words |> Option.ofObj |> Option.map List.ofArray |> Option.defaultValue []
        let folder = parsed.GetValue out

        match operators |> List.tryFind (fun (known, _, _) -> known = name), words with
        | None, _ ->
            let known = [ for name, _, _ in operators -> name ]
            CommandLine.complain "edit" $"edit: there is no operator {name}{CommandLine.hint known name}"
        | Some("split-at", _, _), [ layer ] ->
            use network = load (parsed.GetValue run)
            let first, second = ModNet.Edit.split_at layer network
            use first = first
            use second = second
            ModNet.Edit.save $"{folder}-1" first
            ModNet.Edit.save $"{folder}-2" second
            printfn $"the network up to {layer}: {folder}-1"
            printfn $"the network after {layer}: {folder}-2"
            CommandLine.Exit.ok
        | _ ->
            use network = load (parsed.GetValue run)
            use edited = apply name words load network
            ModNet.Edit.save folder edited
            let most = parsed.GetValue rows

            if most > 0 && not (name.StartsWith "split") then
                let measured = EditReport.between most network edited
                EditReport.lines measured |> List.iter (printfn "%s")
                EditPage.write folder network edited measured

            printfn $"the edited network: {folder}"
            CommandLine.Exit.ok

    let verb = Verb.create "edit" help [ run; operator; words ] [ out; best; rows ] (Action.Parsed edit)
