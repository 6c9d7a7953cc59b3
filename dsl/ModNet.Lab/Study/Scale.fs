namespace ModNet

/// How large a study's runs are: as the paper's, or minutes long and labelled so everywhere.
[<RequireQualifiedAccess>]
type Scale =
    | Full
    | Quick

    /// One value for the full version, another for the quick one.
    /// Example: `Scale.Quick.Pick(50_000, 1_000)`
    member scale.Pick(full: 'Value, quick: 'Value) : 'Value =
        match scale with
        | Full -> full
        | Quick -> quick

    /// What names of folders and files end in.
    member internal scale.Suffix = scale.Pick("", "-quick")
