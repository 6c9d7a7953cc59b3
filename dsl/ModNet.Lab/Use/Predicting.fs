namespace ModNet

open System
open System.Collections.Generic
open System.IO
open ModNet.Runtime
open TorchSharp

/// Predictions for a file of data, row by row.
module internal Predicting =

    /// How many classes a row tells the probabilities of, unless it is said: all of up to so many, else the most probable few.
    let private mostClasses, private few = 100, 5

    let private rowsAtOnce = 256L

    /// Probabilities that may be in memory at a time.
    let private probabilitiesAtOnce = 4_000_000L

    /// What the datapoints were, and how probable: the sums that accuracy, error and perplexity are made of.
    type private Tally(head: Head) =
        let score = PredictionScore head
        let mutable total = 0.0
        let mutable known = 0L

        /// Datapoints with their targets.
        member tally.Add(said: Prediction, targets: torch.Tensor) =
            score.Add(said.Features, targets)
            tally.Add(TensorArrays.Vector<float32> said.LogLikelihood)

        /// log p of what was known.
        member _.Add(likelihood: float32 array) =
            total <- total + Array.sumBy float likelihood
            known <- known + int64 likelihood.Length

        /// What is told at the end; None where there were no targets.
        member _.Line(isText: bool) : string option =
            if known = 0L then
                None
            else
                let values = Dictionary<string, float>()
                let mean = total / float known

                let add (metric: Metric) (value: Nullable<float>) =
                    if value.HasValue then values[metric.Name] <- value.Value

                add Metric.Accuracy score.Accuracy
                add Metric.SquaredError score.SquaredError
                if isText then add Metric.Perplexity (Nullable(exp -mean))
                let line = MetricsLine(0L, "test", values)

                let measured = [
                    for metric in Metric.All do
                        match metric.AtEnd line with
                        | null -> ()
                        | text -> $"{metric.Title} {text}"
                ]

                let per = if isText then "word" else "row"
                let told = String.concat ", " (measured @ [ $"log likelihood %.4f{mean} nats per {per}" ])
                Some $"{told}; {Numbers.grouped known} {per}s with targets"

    let private probabilities
        (names: IReadOnlyList<string>)
        (top: int option)
        (said: Prediction)
        : int -> PredictedField =
        let classes = names.Count
        let all = said.Probabilities.reshape (-1L, int64 classes)

        match top |> Option.map (min classes) with
        | Some top ->
            let struct (values, places) = all.topk (top, -1)
            let values, places = TensorArrays.Vector<float32> values, TensorArrays.Vector<int64> places

            fun row ->
                PredictedField.Ranked [ for i in row * top .. (row + 1) * top - 1 -> names[int places[i]], values[i] ]
        | None ->
            let values = TensorArrays.Vector<float32> all

            fun row ->
                PredictedField.Several(
                    "probability",
                    [ for place in 0 .. classes - 1 -> names[place], PredictedValue.Real values[row * classes + place] ]
                )

    /// The modules that ran for a row, of a sequence the row's step, by layer.
    let private modules (said: Prediction) (datapoint: int) (time: int) : PredictedField list =
        match
            [
                for site in said.Choices do
                    if site.Time = time then site.Layer, PredictedValue.Modules site.Modules[datapoint]
            ]
        with
        | [] -> []
        | sites -> [ PredictedField.Several("modules", sites) ]

    let private named (name: string) (names: IReadOnlyList<string>) (values: float32 array) (row: int) =
        let width = names.Count

        if width = 1 then
            PredictedField.One(name, PredictedValue.Real values[row])
        else
            PredictedField.Several(
                name,
                [ for i in 0 .. width - 1 -> names[i], PredictedValue.Real values[row * width + i] ]
            )

    /// Rows of datapoints with numbers or bits to predict, or with classes.
    let private rows
        (trained: TrainedNetwork)
        (top: int option)
        (first: int64)
        (said: Prediction)
        (targets: torch.Tensor)
        =
        let classes, width = trained.ClassNames, trained.TargetNames
        let single (values: torch.Tensor) = TensorArrays.Vector<float32>(values.to_type torch.ScalarType.Float32)
        let mode = if classes.Count > 0 then [||] else single said.Mode
        let chosen = if classes.Count > 0 then TensorArrays.Vector<int64> said.Mode else [||]

        let probability =
            if classes.Count > 0 then probabilities classes top said else fun _ -> PredictedField.Ranked []

        let bits = if classes.Count = 0 && not (isNull said.Probabilities) then single said.Probabilities else [||]

        let known =
            if isNull targets then
                fun _ -> []
            elif classes.Count > 0 then
                let numbers = TensorArrays.Vector<int64> targets
                fun row -> [ PredictedField.One("target", PredictedValue.Text classes[int numbers[row]]) ]
            else
                let values = single targets
                fun row -> [ named "target" width values row ]

        let likelihood = if isNull said.LogLikelihood then [||] else single said.LogLikelihood

        [
            for row in 0 .. int said.Mode.shape[0] - 1 ->
                [
                    PredictedField.One("row", PredictedValue.Whole(first + int64 row + 1L))
                    yield! known row

                    if classes.Count > 0 then
                        PredictedField.One("predicted", PredictedValue.Text classes[int chosen[row]])
                        probability row
                    elif bits.Length > 0 then
                        named "predicted" width mode row
                        named "probability" width bits row
                    else
                        named "mean" width mode row
                        PredictedField.One("deviation", PredictedValue.Real(float32 said.Deviation.Value))

                    if likelihood.Length > 0 then
                        PredictedField.One("log_likelihood", PredictedValue.Real likelihood[row])
                    yield! modules said row 0
                ]
        ]

    /// Rows and what they add up to, batch by batch, of datapoints.
    let private ofQuestions (trained: TrainedNetwork) (top: int option) (questions: Questions) =
        let tally = Tally trained.Graph.Head

        let rows =
            seq {
                for first in 0L .. rowsAtOnce .. questions.Count - 1L do
                    use _scope = torch.NewDisposeScope()
                    let count = min rowsAtOnce (questions.Count - first)
                    let part (values: torch.Tensor) = if isNull values then null else values.narrow (0, first, count)

                    let side =
                        if isNull questions.Side then
                            null
                        else
                            SideInputs(part questions.Side.Tasks, part questions.Side.Given)

                    let targets = part questions.Targets
                    let said = trained.Examine(part questions.Inputs, targets, side)
                    if not (isNull targets) then tally.Add(said, targets.``to`` trained.Device)
                    yield! rows trained top first said targets
            }

        rows, (fun () -> tally.Line false)

    /// A row for every word, or character, of a text: what comes after it.
    let private ofTokens (trained: TrainedNetwork) (top: int option) (text: TextData) (path: string) =
        let vocabulary = Vocabulary.OfWords trained.ClassNames
        let words = Seq.toArray (TextCorpus.TokensToPredict(path, Source.unit text))
        let called = if text.Characters then "character" else "word"
        let ids = words |> Array.map (vocabulary.IdOf >> int64)
        let tally = Tally trained.Graph.Head
        let window = text.Window

        // Windows of T words as in training; where state is carried, one after the other.
        let together =
            if text.CarryState then 1 else int (max 1L (probabilitiesAtOnce / (int64 window * int64 vocabulary.Size)))

        let parts = [
            let mutable at = 0

            while ids.Length - at >= window do
                let count = min together ((ids.Length - at) / window)
                at, count, window
                at <- at + count * window

            if at < ids.Length then at, 1, ids.Length - at
        ]

        let rows =
            seq {
                use carried = new RecurrentState()

                for at, count, steps in parts do
                    use _scope = torch.NewDisposeScope()
                    let length = count * steps
                    let x = torch.tensor(ids[at .. at + length - 1]).view(int64 count, int64 steps)
                    let state = if text.CarryState then carried else null
                    // The last word of the text is followed by none; what stands in its place is not read.
                    let known = min length (ids.Length - 1 - at)
                    let next = Array.append ids[at + 1 .. at + known] (Array.zeroCreate (length - known))
                    let said = trained.Examine(x, torch.tensor(next).view(int64 count, int64 steps), null, state)
                    let probability = probabilities trained.ClassNames top said
                    let predicted = TensorArrays.Vector<int64> said.Mode
                    let likelihood = (TensorArrays.Vector<float32> said.LogLikelihood)[.. known - 1]
                    tally.Add likelihood

                    for row in 0 .. length - 1 ->
                        [
                            PredictedField.One("row", PredictedValue.Whole(int64 (at + row + 1)))
                            PredictedField.One(called, PredictedValue.Text words[at + row])
                            PredictedField.One(
                                "target",
                                (if row < known then PredictedValue.Text words[at + row + 1] else PredictedValue.Nothing)
                            )
                            PredictedField.One("predicted", PredictedValue.Text trained.ClassNames[int predicted[row]])
                            probability row
                            PredictedField.One(
                                "log_likelihood",
                                (if row < known then PredictedValue.Real likelihood[row] else PredictedValue.Nothing)
                            )
                            yield! modules said (row / steps) (row % steps)
                        ]
            }

        rows, (fun () -> tally.Line true)

    let private layoutOf (trained: TrainedNetwork) : Preparation =
        match trained.Preparation with
        | Some preparation -> preparation
        | None ->
            Refusal.refuse
                trained.Experiment.Network.Name
                "a run that keeps how its data were prepared"
                "one of an earlier version, without it"
                "resume the run with --resume and its data, which writes data.json and trains no further"

    let private demand (trained: TrainedNetwork) (top: int option) =
        match top with
        | Some count when count < 1 ->
            Refusal.refuse "--top" "at least 1" (string count) "leave it out, or say how many classes to tell of"
        | Some _ when trained.ClassNames.Count = 0 ->
            Refusal.refuse "--top" "a network that predicts classes" "one that predicts numbers or bits" "leave it out"
        | _ -> ()

    /// Predicts what the data at a path ask, and writes a row for each datapoint into a file, CSV, JSON lines or Parquet by its ending, or as CSV to
    /// `output`. Gives what accuracy, error or perplexity came to where the data have targets. Raises UserException where something is wrong with
    /// the data; nothing is then written.
    let write
        (trained: TrainedNetwork)
        (top: int option)
        (data: string)
        (out: string option)
        (output: Stream)
        : string option =
        let format = out |> Option.map PredictionFile.formatOf |> Option.defaultValue PredictionFormat.Csv
        demand trained top

        let top = top |> Option.orElse (if trained.ClassNames.Count > mostClasses then Some few else None)

        let ofDatapoints (questions: Questions) =
            let rows, line = ofQuestions trained top questions

            let unseen = [
                for KeyValue(column, count) in questions.Unseen ->
                    let values = if count = 1L then "1 value is" else $"{Numbers.grouped count} values are"
                    $"column {column}: {values} none of the levels that the run's data had, and read as zeros"
            ]

            let all () =
                match unseen @ Option.toList (line ()) with
                | [] -> None
                | told -> Some(String.concat "\n" told)

            questions :> IDisposable, rows, all

        let held, rows, line =
            match trained.Experiment.Data with
            | Data.Csv csv -> CsvQuestions.Load(data, Source.layout csv, layoutOf trained) |> ofDatapoints
            | Data.Mnist _ -> Mnist.ToPredict data |> ofDatapoints
            | Data.Cifar10 _ -> Cifar10.ToPredict data |> ofDatapoints
            | Data.Text text ->
                layoutOf trained |> ignore
                let rows, line = ofTokens trained top text data

                {
                    new IDisposable with
                        member _.Dispose() = ()
                },
                rows,
                line
            | _ ->
                Refusal.refuse
                    trained.Experiment.Network.Name
                    "a run on a CSV or Parquet file, images or a text"
                    "one whose script made the data"
                    "ask the network from code: Trained.load, then Predict or Examine"

        use _held = held

        match out with
        | Some path -> WholeFile.Write(path, (fun stream -> PredictionFile.write format stream rows))
        | None ->
            // All of it, or nothing.
            use whole = new MemoryStream()
            PredictionFile.write format whole rows
            whole.WriteTo output
            output.Flush()

        line ()
