namespace ModNet

open System
open System.IO
open System.Text.Json.Nodes

/// Experiments that are trained side by side and end in one table; made by `sweep`.
type Sweep = {
    /// Names the folder that the runs' folders lie in.
    Name: string
    Experiments: Experiment list
}

/// An experiment of a sweep.
type internal SweepRun = {
    /// The name of its folder.
    Name: string
    /// What tells it from the others: a value for each of the settings in which they differ.
    Settings: string list
    Experiment: Experiment
    Folder: string
}

/// The runs that a sweep consists of.
type internal SweepPlan = {
    Name: string
    /// The folder that the runs' folders lie in.
    Home: string
    /// The settings in which the experiments differ.
    Settings: string list
    Runs: SweepRun list
}

/// The word for several experiments in one.
[<AutoOpen>]
module Sweeps =

    /// A sweep over experiments, by the sweep's name and their list. `./modnet train` trains as many side by side as there are cores, each into a
    /// folder of its own in `runs/NAME`, and ends with a table of them all. `out` in an experiment names its folder there; without it, the folder is
    /// named by the settings in which the experiments differ.
    /// Example: `sweep "seeds" [ for chance in 1..3 -> { run with Seed = chance } ]`
    let sweep (name: string) (experiments: Experiment list) : Sweep = { Name = name; Experiments = experiments }

/// Names the runs of a sweep, and finds what is wrong with it.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module internal SweepPlan =

    /// So many settings of a network may tell its runs apart; where more differ, the networks' names do.
    let private mostOfNetworks = 4

    let private longestName = 100

    let private pathOfData (experiment: Experiment) = Sources.path experiment.Data |> Option.defaultValue ""

    let private wayToPath = "data.path"

    /// The innermost settings of an experiment that decide its outcome, by the way to each, and where its data are.
    let private leaves (experiment: Experiment) : (string * string) list =
        let options = System.Text.Json.JsonDocumentOptions(MaxDepth = JsonReader.Depth)
        let root = JsonNode.Parse(Essence.text experiment, documentOptions = options)

        [
            for way, value in RunFiles.leaves "" root["experiment"] do
                way, (if way = wayToPath then pathOfData experiment else value)
        ]

    let private ofKind = ".kind"

    /// The last part of the way to a setting, or as many parts as tell it from the others. A kind is called as that which is of it.
    let private headings (ways: string list) : string list =
        let paths =
            ways
            |> List.map (fun way ->
                if way = "network.name" then "network"
                elif way.EndsWith(ofKind, StringComparison.Ordinal) then way[.. way.Length - ofKind.Length - 1]
                else way)

        let ending (count: int) (path: string) =
            let parts = path.Split '.'
            String.Join('.', Array.skip (max 0 (parts.Length - count)) parts)

        let rec shortest (count: int) (path: string) =
            let own = ending count path
            let alike = paths |> List.filter (fun other -> ending count other = own)
            if alike.Length = 1 || own = path then own else shortest (count + 1) path

        paths |> List.map (shortest 1 >> RunFiles.name)

    /// The settings in which experiments differ, with a value for each experiment.
    let private differences (experiments: Experiment list) : (string * string list) list =
        let differing =
            experiments |> List.map leaves |> RunComparison.rows |> List.filter (snd >> RunComparison.differs)

        let isOfNetwork (path: string, _) = path.StartsWith("network.", StringComparison.Ordinal)

        let shown =
            if List.length (List.filter isOfNetwork differing) <= mostOfNetworks then
                differing
            else
                differing |> List.filter (fun row -> not (isOfNetwork row) || fst row = "network.name")

        // What only some have, such as a setting of one of two methods, is shown where the rest does not tell all apart.
        let common = shown |> List.filter (snd >> List.forall Option.isSome)

        let tellsApart (rows: (string * string option list) list) =
            let columns = rows |> List.map snd |> List.transpose
            not rows.IsEmpty && (List.distinct columns).Length = experiments.Length

        let shown = if tellsApart common then common else shown

        let spoken (way: string, values: string option list) =
            let said = values |> List.map (Option.defaultValue "none")
            if way.EndsWith(ofKind, StringComparison.Ordinal) then List.map RunFiles.name said else said

        List.zip (shown |> List.map fst |> headings) (List.map spoken shown)

    /// A text as part of the name of a folder.
    let private inName (text: string) : string =
        let isPlain (sign: char) = Char.IsAsciiLetterOrDigit sign || sign = '.' || sign = '_' || sign = '-'
        (String.map (fun sign -> if isPlain sign then sign else '-') text).Trim '-'

    let private lastPart (path: string) = Path.GetFileName(Path.TrimEndingDirectorySeparator path)

    /// The names of the experiments' folders: what each says itself, or else the networks' names where these tell them apart, or else the settings.
    let private names (experiments: Experiment list) (differences: (string * string list) list) : string list =
        let networks = experiments |> List.map _.Network.Name
        let areOwn = (List.distinct networks).Length = networks.Length

        [
            for place, experiment in List.indexed experiments do
                let parts = [
                    for heading, values in differences do
                        inName heading + "-" + inName values[place]
                ]

                match experiment.Out |> Option.map lastPart with
                | Some said when said <> "" -> said
                | _ when areOwn -> experiment.Network.Name
                | _ ->
                    let told = String.Join('-', parts)

                    if told = "" || told.Length > longestName then $"{experiment.Network.Name}-{place + 1}" else told
        ]

    let private numbers (places: int list) =
        places |> List.map (fun place -> string (place + 1)) |> String.concat " and "

    /// The runs of a sweep, whose folders lie in `home`. Raises UserException where two of them cannot be told apart.
    let make (name: string) (home: string option) (experiments: Experiment list) : SweepPlan =
        let place = $"sweep \"{name}\""

        if name <> inName name || name.Trim '.' = "" then
            Refusal.refuse
                place
                "a name of letters, digits, hyphens, underscores and full stops"
                $"\"{name}\""
                "the name is that of a folder, too: say another"

        if experiments.IsEmpty then
            Refusal.refuse place "at least one experiment" "none" "put experiments into its list"

        let alike (what: Experiment -> string) =
            experiments
            |> List.indexed
            |> List.groupBy (snd >> what)
            |> List.tryFind (fun (_, group) -> group.Length > 1)
            |> Option.map (snd >> List.map fst)

        match alike (fun experiment -> Essence.text experiment + pathOfData experiment) with
        | Some places ->
            Refusal.refuse
                place
                "experiments that differ"
                $"numbers {numbers places} of its list, which are the same"
                "leave one of them out, or give it another `seed`; an option such as --seed holds for all of them"
        | None -> ()

        let differences = differences experiments
        let names = names experiments differences

        match names |> List.indexed |> List.groupBy snd |> List.tryFind (fun (_, group) -> group.Length > 1) with
        | Some(twice, group) ->
            Refusal.refuse
                place
                "a name of its own for each experiment"
                $"{twice} for numbers {numbers (List.map fst group)} of its list"
                "the name is the last part of `out`: say another, or leave `out` away"
        | None -> ()

        let home = home |> Option.defaultValue (Path.Combine("runs", name))

        {
            Name = name
            Home = home
            Settings = List.map fst differences
            Runs = [
                for place, (own, experiment) in List.indexed (List.zip names experiments) do
                    let folder = Path.Combine(home, own)

                    {
                        Name = own
                        Settings = differences |> List.map (fun (_, values) -> values[place])
                        Experiment = { experiment with Out = Some folder }
                        Folder = folder
                    }
            ]
        }

    /// The checked experiments of the runs. Raises UserException with all mistakes of all of them: each once, with the runs that have it where not
    /// all do.
    let mustBeSound (plan: SweepPlan) : (SweepRun * CheckedExperiment) list =
        let found = plan.Runs |> List.map (fun run -> run, Check.experiment run.Experiment)

        let mistakes = [
            for run, result in found do
                match result with
                | Ok _ -> ()
                | Error diagnostics ->
                    for diagnostic in diagnostics do
                        string diagnostic, run.Name
        ]

        let told = [
            for message, told in List.groupBy fst mistakes do
                let runs = told |> List.map snd |> List.distinct

                if runs.Length = plan.Runs.Length then
                    message
                else
                    let runs = String.Join(", ", runs)
                    $"{message} (in {runs})"
        ]

        if not told.IsEmpty then raise (Runtime.UserException(String.Join('\n', told)))

        [
            for run, result in found do
                match result with
                | Ok sound -> run, sound
                | Error _ -> ()
        ]
