namespace ModNet

open System.Text.Json.Nodes
open ModNet.Runtime
open TorchSharp

/// Data as the trainer wants them, and what to ask of the graph at the end.
type Source = {
    Splits: DataSplits
    Judge: Graph -> torch.Device -> Verdict
}

/// Loads or draws an experiment's data.
[<RequireQualifiedAccess>]
module Source =

    // A script asks for the vocabulary before the network is said, the trainer for the words after: one reading serves both.
    let private corpora =
        System.Collections.Concurrent.ConcurrentDictionary<string * int option, TextCorpus>()

    /// The text at a path, read once.
    let corpus (text: TextData) : TextCorpus =
        if text.Path = "" then
            raise (
                UserException(
                    "--data",
                    "a text file or a directory with *.train.txt, *.valid.txt and *.test.txt",
                    "nothing",
                    "say where the text is: --data PATH"
                )
            )

        corpora.GetOrAdd(
            (text.Path, text.Vocabulary),
            fun (path, limit) -> TextCorpus.Load(path, Option.toNullable limit)
        )

    let private words (network: Network) (text: TextData) =
        let corpus = corpus text

        for layer in network.Layers do
            match layer with
            | Layer.Tokens size when size <> corpus.Vocabulary.Size ->
                raise (
                    UserException(
                        $"{network.Name}/tokens",
                        $"the {corpus.Vocabulary.Size} words of {text.Path}",
                        $"{size}",
                        $"say tokens {corpus.Vocabulary.Size}, or limit the text with --vocab {size}"
                    )
                )
            | _ -> ()

        {
            Splits = corpus.Windows text.Window
            Judge =
                fun _ _ -> {
                    Summary = [ "vocabulary", JsonValue.Create corpus.Vocabulary.Size ]
                    Lines = []
                    Sections = fun _ -> []
                }
        }

    let private toy (seed: int) (data: ModNet.ToyRegression) =
        use streams = new RandomStreams(int64 (seed + data.SeedOffset))

        let problem =
            new Runtime.ToyRegression(data.Dimensions, data.Separation, data.Spread, streams.Data)

        let train = problem.Draw data.Points
        let held = problem.Draw data.HeldOut

        {
            Splits = new DataSplits(train.Data, [||], [| held.Data |])
            Judge = fun graph device -> ToyVerdict.judge problem held graph device
        }

    /// The data of an experiment. Raises UserException where they cannot be read.
    let load (experiment: Experiment) : Source =
        match experiment.Data with
        | Data.Text text -> words experiment.Network text
        | Data.ToyRegression data -> toy experiment.Seed data
