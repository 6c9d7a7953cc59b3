namespace ModNet

/// Every kind of data, and what is asked of data whatever their kind.
module internal Sources =

    let private whole: AnyDataKind list = [
        DataKind.any TextKind.kind
        DataKind.any ToyRegressionKind.kind
        DataKind.any CsvKind.kind
        DataKind.any ImageKinds.mnist
        DataKind.any ImageKinds.cifar10
        DataKind.any InMemoryKind.kind
        DataKind.any GeneratedKind.kind
    ]

    let codec: Codec<Data> =
        Codec.recursive (fun codec ->
            Codec.union [
                for kind in whole do
                    kind.Json
                StreamKind.json codec
            ])

    let rec private find data =
        whole
        |> List.tryFind (fun kind -> kind.Is data)
        |> Option.defaultWith (fun () -> DataKind.any (StreamKind.kind codec find))

    /// Where its files are; None for data without files.
    let path data = (find data).Path data

    /// The same data from elsewhere.
    let at path data = (find data).At path data

    /// Whether what a network is given is not what the data have.
    let preparesInputs data = (find data).Prepares data

    /// Training points, where their number is known before the data are read, and what to do about too few.
    let points data = (find data).Points data

    /// The number of task ids that datapoints have: None for data without, Some None where only the file knows.
    let tasks data = (find data).Tasks data

    /// What to do about data without a validation set; None where they have one, or only their files know.
    let withoutValidation data = (find data).WithoutValidation data

    /// The names of the values that a datapoint's y has, where it is no class; empty where it is one.
    let values data = (find data).Values data

    /// Notes what is wrong with data, and what does not go with the network.
    let check (rules: DataRules) data =
        let kind = find data
        kind.Check rules data
        rules.Tasks(kind.Tasks data)
        rules.Given(kind.Given data)
