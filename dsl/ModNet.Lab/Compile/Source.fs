namespace ModNet

open System.Text.Json.Nodes
open ModNet.Runtime
open TorchSharp

/// Data as the trainer wants them, what to say of them, and what to ask of the graph at the end.
type Source = {
    Splits: DataSplits
    /// Kind, files with checksums, counts, labels: `data` in `summary.json`.
    Facts: JsonObject
    /// What turns data as they are outside into the network's inputs, and what tokens, classes and tasks stand for.
    Preparation: Preparation
    /// Of a trained graph whose modules are chosen by a selector.
    Judge: Graph -> Selector -> torch.Device -> Verdict
}

/// Loads or draws an experiment's data.
[<RequireQualifiedAccess>]
module Source =

    let private said (path: string) expected =
        if path.Trim() = "" then
            raise (UserException("--data", expected, "nothing", "say where the data are: --data PATH"))

    // A script asks for the vocabulary before the network is said, the trainer for the words after: what was made of the same files serves
    // both. Files are read each time, because a script or a notebook may have written others.
    let private corpora =
        System.Collections.Concurrent.ConcurrentDictionary<string * int option * TextUnit, TextCorpus>()

    /// What a token of the text is.
    let unit (text: TextData) : TextUnit = if text.Characters then TextUnit.Characters else TextUnit.Words

    /// The text at a path as it is now.
    let corpus (text: TextData) : TextCorpus =
        said text.Path "a text file or a directory with *.train.txt, *.valid.txt and *.test.txt"
        let files = TextFiles.Read text.Path
        let key = text.Path, text.Vocabulary, unit text

        match corpora.TryGetValue key with
        | true, known when List.ofSeq known.Files = List.ofSeq files.Files -> known
        | _ ->
            let corpus = TextCorpus.Of(files, Option.toNullable text.Vocabulary, unit text)
            corpora[key] <- corpus
            corpus

    let private tokens (text: TextData) = if text.Characters then "characters" else "words"

    /// The corpus, which fits the network.
    let private fitting (network: Network) (text: TextData) (corpus: TextCorpus) =
        for layer in network.Layers do
            match layer with
            | Layer.Tokens size when size <> corpus.Vocabulary.Size ->
                raise (
                    UserException(
                        $"{network.Name}/tokens",
                        $"the {corpus.Vocabulary.Size} {tokens text} of {text.Path}",
                        $"{size}",
                        $"say tokens {corpus.Vocabulary.Size}, or limit the text with --vocab {size}"
                    )
                )
            | _ -> ()

        corpus

    let private separator separator =
        match separator with
        | Comma -> ','
        | Semicolon -> ';'
        | Tab -> '\t'

    /// What only the file could tell is held against the network.
    let private csvFits (network: Network) (path: string) (data: LoadedData) =
        let wrong place expected (got: int64) remedy =
            raise (UserException($"{network.Name}/{place}", expected, string got, remedy))

        let levels = if isNull data.Levels then [] else List.ofSeq data.Levels
        let split, coded = levels |> List.partition (fun known -> not known.Coded)

        let each =
            match split with
            | [] -> ""
            | split ->
                let said =
                    split |> List.map (fun known -> $"{known.Column} ({known.Levels.Count})") |> String.concat ", "

                $", with one for each level of {said}"

        // Where a column of the file is among those that the network reads.
        let placeOf (column: string) =
            data.Columns
            |> Seq.takeWhile ((<>) column)
            |> Seq.sumBy (fun before ->
                match split |> List.tryFind (fun known -> known.Column = before) with
                | Some known -> known.Levels.Count
                | None -> 1)

        for layer in network.Layers do
            match layer with
            | Layer.EmbedColumns columns ->
                if not (isNull data.Scaling) then
                    for name in data.Columns |> Seq.except (levels |> Seq.map _.Column) do
                        let place = placeOf name

                        if columns |> List.exists (fun column -> column.Column = place) then
                            let expected, got, remedy = CsvKind.standardised $"`{name}`, column {place}"
                            raise (UserException($"{network.Name}/data/standardise", expected, got, remedy))

                for known in coded do
                    let place = placeOf known.Column
                    let count = known.Levels.Count

                    match columns |> List.tryFind (fun column -> column.Column = place) with
                    | Some column when column.Categories < count ->
                        wrong
                            "embed_columns"
                            $"{count} categories in column {place}, the levels of {known.Column}"
                            (int64 column.Categories)
                            $"say `({place}, {count}, {column.Width})`"
                    | _ -> ()
            | Layer.Features width when int64 width <> data.Splits.Train.Inputs.shape[1] ->
                let found = data.Splits.Train.Inputs.shape[1]
                wrong "features" $"width {found}, the columns of {path}{each}" width $"say `features {found}`"
            | Layer.Tasks count when not (isNull data.Tasks) && count <> data.Tasks.Count ->
                let found = data.Tasks.Count
                wrong "tasks" $"{found}, the task ids of {path}" count $"say `tasks {found}`"
            | _ -> ()

        data

    /// What the columns of a table hold, as its reader has it.
    let internal layout (csv: CsvData) : CsvLayout =
        CsvLayout(
            Targets = List.toArray csv.Targets,
            Classes = Option.toNullable csv.Classes,
            Features = (csv.Features |> Option.map List.toArray |> Option.toObj),
            Categorical = List.toArray csv.Categorical,
            Coded = List.toArray csv.Coded,
            Dates = List.toArray csv.Dates,
            Missing =
                (match csv.Missing with
                 | None -> CsvMissing.Refused
                 | Some Mean -> CsvMissing.Mean
                 | Some Drop -> CsvMissing.Drop),
            UnseenAsZeros = (csv.UnseenLevels = Some Zeros),
            Task = Option.toObj csv.Task,
            Weight = Option.toObj csv.Weight,
            Header = csv.Header,
            Separator = separator csv.Separator
        )

    let private csv (network: Network) (csv: CsvData) =
        said csv.Path "a CSV or Parquet file"

        CsvFile.Load(csv.Path, layout csv, csv.HeldOut, csv.Test, csv.Standardise, csv.SplitSeed)
        |> csvFits network csv.Path

    /// A Bernoulli head speaks of bits and nothing else.
    let private bits (network: Network) (data: LoadedData) =
        if List.contains Layer.Bernoulli network.Layers then
            for part in Seq.concat [ Seq.singleton data.Splits.Train; data.Splits.Validation; data.Splits.Test ] do
                use _scope = torch.NewDisposeScope()

                let wrong =
                    part.Targets.masked_select (
                        part.Targets.ne(Scalar.op_Implicit 0).logical_and(part.Targets.ne (Scalar.op_Implicit 1))
                    )

                if wrong.numel () > 0L then
                    raise (
                        UserException(
                            $"{network.Name}/bernoulli",
                            "targets that are 0 or 1",
                            wrong.select(0L, 0L).ToSingle().ToString(System.Globalization.CultureInfo.InvariantCulture),
                            "end the network with `gaussian`, or mend the data"
                        )
                    )

        data

    let private names (labels: string seq) : JsonNode =
        JsonArray [| for label in labels -> JsonValue.Create label :> JsonNode |]

    let private facts (kind: string) (files: DataFile seq) (splits: DataSplits) (labels: (string * string seq) list) =
        let facts = JsonObject()
        facts.Add("kind", JsonValue.Create kind)

        let file (file: DataFile) : JsonNode =
            let object = JsonObject()
            object.Add("name", JsonValue.Create file.Name)
            object.Add("bytes", JsonValue.Create file.Bytes)
            object.Add("sha256", JsonValue.Create file.Sha256)
            object

        facts.Add("identity", JsonValue.Create splits.Identity.Short)

        if not (Seq.isEmpty files) then facts.Add("files", JsonArray [| for each in files -> file each |])

        facts.Add("train", JsonValue.Create splits.Train.Count)

        for name, parts in [ "validation", splits.Validation; "test", splits.Test ] do
            if parts.Count > 0 then facts.Add(name, JsonValue.Create(parts |> Seq.sumBy _.Count))

        for name, labels in labels do
            if not (isNull labels) then facts.Add(name, names labels)

        facts

    let private plain (kind: string) (data: LoadedData) =
        let facts = facts kind data.Files data.Splits [ "classes", data.Classes; "tasks", data.Tasks ]
        if data.Dropped > 0L then facts.Add("left_out", JsonValue.Create data.Dropped)
        if data.Weightless > 0L then facts.Add("weightless", JsonValue.Create data.Weightless)

        { Splits = data.Splits; Facts = facts; Preparation = data.Preparation; Judge = fun _ _ _ -> Verdict.none }

    let private toy (seed: int) (data: ModNet.ToyRegression) =
        let problem, train, held = ToyProblem.draw seed data
        let splits = new DataSplits(train.Data, [||], [| held.Data |])

        {
            Splits = splits
            Facts = facts "toy_regression" [] splits []
            Preparation = Preparation splits.Identity
            Judge = fun graph selector device -> ToyVerdict.judge problem held graph selector device
        }

    let private ofCorpus (text: TextData) (corpus: TextCorpus) : Source =
        let splits = corpus.Windows(text.Window, text.CarryState)
        let facts = facts "text" corpus.Files splits []
        if text.Characters then facts.Add("tokens", JsonValue.Create(tokens text))

        {
            Splits = splits
            Facts = facts
            Preparation = Preparation(splits.Identity, Words = corpus.Vocabulary.Words)
            Judge =
                fun _ _ _ -> { Verdict.none with Summary = [ "vocabulary", JsonValue.Create corpus.Vocabulary.Size ] }
        }

    let private images (images: ImageData) (data: LoadedData) =
        let chosen =
            match images.OneVsRest with
            | Some number -> ImageSelection.OneVsRest(data, number, int64 images.SplitSeed)
            | None when images.Only.IsEmpty -> data
            | None -> ImageSelection.Only(data, List.toArray images.Only, images.Renumber)

        let ordered =
            match images.Permuted with
            | Some seed -> ImageSelection.Permuted(chosen, seed)
            | None -> chosen

        if images.Reconstruct then ImageSelection.Reconstructed ordered else ordered

    /// The data of one task, or all of them where they are no stream.
    let private one (network: Network) (seed: int) (data: Data) : Source =
        match data with
        | Data.Text text -> corpus text |> fitting network text |> ofCorpus text
        | Data.ToyRegression data -> toy seed data
        | Data.Csv data -> csv network data |> bits network |> plain "csv"
        | Data.Mnist set ->
            said set.Path "a directory with MNIST's four idx files"

            Mnist.Load(set.Path, set.HeldOut, set.Standardise, set.SplitSeed)
            |> images set
            |> bits network
            |> plain "mnist"
        | Data.Cifar10 set ->
            said set.Path "cifar-10-binary.tar.gz, or a directory with CIFAR-10's binary files"

            Cifar10.Load(set.Path, set.HeldOut, set.Standardise, set.SplitSeed)
            |> images set
            |> bits network
            |> plain "cifar10"
        | Data.InMemory data -> OwnData.inMemory data |> bits network |> plain "in_memory"
        | Data.Generated data -> OwnData.generated seed data |> bits network |> plain "generated"
        | Data.Stream _ -> invalidArg (nameof data) "expected the data of one task, got a stream"

    /// The data of every task. Texts have one vocabulary, that of all of them together.
    let private tasks (network: Network) (seed: int) (stream: StreamData) : Source list =
        let texts =
            stream.Tasks
            |> List.choose (fun task ->
                match task.Data with
                | Data.Text text -> Some text
                | _ -> None)

        match texts with
        | first :: _ when texts.Length = stream.Tasks.Length ->
            for text in texts do
                said text.Path "a text file or a directory with *.train.txt, *.valid.txt and *.test.txt"

            TextCorpus.Together(
                [| for text in texts -> TextFiles.Read text.Path |],
                Option.toNullable first.Vocabulary,
                unit first
            )
            |> Seq.map2 (fun text corpus -> fitting network text corpus |> ofCorpus text) texts
            |> List.ofSeq
        | _ -> [ for task in stream.Tasks -> one network seed task.Data ]

    /// What is the same of all tasks; null where it is not.
    let private common (ask: Preparation -> 'Answer) (sources: Source list) : 'Answer when 'Answer: null =
        match
            sources
            |> List.map (fun source -> ask source.Preparation)
            |> List.distinctBy System.Text.Json.JsonSerializer.Serialize
        with
        | [ answer ] -> answer
        | _ -> null

    let private ofStream (network: Network) (seed: int) (stream: StreamData) : Source =
        let sources = tasks network seed stream
        let names = [ for task in stream.Tasks -> task.Name ]

        let splits = JoinedTasks.Of [| for name, source in List.zip names sources -> struct (name, source.Splits) |]

        let facts = facts "stream" [] splits [ "tasks", names ]

        for name, source in List.zip names sources do
            let own = JsonObject()
            own.Add("name", JsonValue.Create name)

            for field in source.Facts do
                own.Add(field.Key, field.Value.DeepClone())

            match facts["each"] with
            | null -> facts.Add("each", JsonArray [| own :> JsonNode |])
            | each -> each.AsArray().Add own

        {
            Splits = splits
            Facts = facts
            Preparation =
                Preparation(
                    splits.Identity,
                    Columns = common _.Columns sources,
                    Scaling = common _.Scaling sources,
                    Fill = common _.Fill sources,
                    Levels = common _.Levels sources,
                    Pixels = splits.Train.Pixels,
                    Words = common _.Words sources,
                    Classes = common _.Classes sources,
                    Tasks = List.toArray names
                )
            Judge = fun _ _ _ -> Verdict.none
        }

    /// The data of a checked experiment. Raises UserException where they cannot be read.
    let load (sound: CheckedExperiment) : Source =
        let experiment = sound.Experiment

        match experiment.Data with
        | Data.Stream stream -> ofStream experiment.Network experiment.Seed stream
        | data -> one experiment.Network experiment.Seed data
