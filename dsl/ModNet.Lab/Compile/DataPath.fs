namespace ModNet

/// Where an experiment's data lie on the disk: a file or a folder.
[<RequireQualifiedAccess>]
module internal DataPath =

    /// The path; None for data that are drawn or that a script holds in memory. It is empty where `--data` has to name it.
    let tryGet (data: Data) : string option =
        match data with
        | Data.Text text -> Some text.Path
        | Data.Csv csv -> Some csv.Path
        | Data.Mnist images
        | Data.Cifar10 images -> Some images.Path
        | Data.ToyRegression _
        | Data.InMemory _
        | Data.Generated _ -> None

    /// The data at another path; data without a path stay as they are.
    let replace (path: string) (data: Data) : Data =
        match data with
        | Data.Text text -> Data.Text { text with Path = path }
        | Data.Csv csv -> Data.Csv { csv with Path = path }
        | Data.Mnist images -> Data.Mnist { images with Path = path }
        | Data.Cifar10 images -> Data.Cifar10 { images with Path = path }
        | Data.ToyRegression _
        | Data.InMemory _
        | Data.Generated _ -> data
