namespace ModNet

/// All that is to be said of one kind of data, whose settings are a 'P.
type internal DataKind<'P> = {
    Word: string
    Get: Data -> 'P option
    Make: 'P -> Data
    Fields: Fields<'P, 'P>
    /// Where its files are; None for data without files. A blank path is left to the command line.
    Path: 'P -> string option
    /// The same data from elsewhere.
    At: string -> 'P -> 'P
    /// Whether what a network is given is not what the data have: columns that are standardised, pixels that are scaled.
    Prepares: 'P -> bool
    /// Training points, where their number is known before the data are read, and what to do about too few beside a smaller batch.
    Points: 'P -> (int * string) option
    /// What to do about there being no validation set; None where there is one, or only the files know.
    WithoutValidation: 'P -> string option
    /// The number of task ids that datapoints have: None for data without, Some None where only the file knows.
    Tasks: 'P -> int option option
    /// The number of choices that each datapoint brings along.
    Given: 'P -> int option
    /// The names of the values that a datapoint's y has, where it is no class; empty where it is one.
    Values: 'P -> string list
    /// Notes what is wrong with it, and what does not go with the network.
    Check: DataRules -> 'P -> unit
}

/// The same for any kind.
type internal AnyDataKind = {
    Is: Data -> bool
    Json: Case<Data>
    Path: Data -> string option
    At: string -> Data -> Data
    Prepares: Data -> bool
    Points: Data -> (int * string) option
    WithoutValidation: Data -> string option
    Tasks: Data -> int option option
    Given: Data -> int option
    Values: Data -> string list
    Check: DataRules -> Data -> unit
}

module internal DataKind =

    /// A kind without files, task ids and given choices, to be changed in what differs.
    let make word get make (fields: Fields<'P, 'P>) check : DataKind<'P> = {
        Word = word
        Get = get
        Make = make
        Fields = fields
        Path = fun _ -> None
        At = fun _ settings -> settings
        Prepares = fun _ -> false
        Points = fun _ -> None
        WithoutValidation = fun _ -> None
        Tasks = fun _ -> None
        Given = fun _ -> None
        Values = fun _ -> []
        Check = check
    }

    /// The kind without its type of settings.
    let any (kind: DataKind<'P>) : AnyDataKind =
        let settings data = (kind.Get data).Value

        {
            Is = kind.Get >> Option.isSome
            Json = Codec.case kind.Word kind.Get kind.Make kind.Fields
            Path = settings >> kind.Path
            At = fun path -> settings >> kind.At path >> kind.Make
            Prepares = settings >> kind.Prepares
            Points = settings >> kind.Points
            WithoutValidation = settings >> kind.WithoutValidation
            Tasks = settings >> kind.Tasks
            Given = settings >> kind.Given
            Values = settings >> kind.Values
            Check = fun rules -> settings >> kind.Check rules
        }

    /// What to do where no datapoints are held out for validation.
    let holdOut (count: int) : string option = if count = 0 then Some "hold some out by `held_out`" else None

    /// Names for so many values of y, where the data have none.
    let numbered (count: int) : string list = [ for place in 1..count -> $"y{place}" ]

    /// The same by what y is.
    let numberedOf (target: Target) : string list =
        match target with
        | Target.Values width -> numbered width
        | Target.Classes _ -> []

    /// What y is, in JSON.
    let target =
        Codec.union [
            Codec.case
                "classes"
                (function
                | Target.Classes count -> Some count
                | _ -> None)
                Target.Classes
                (Codec.one "count" Codec.int)
            Codec.case
                "values"
                (function
                | Target.Values width -> Some width
                | _ -> None)
                Target.Values
                (Codec.one "width" Codec.int)
        ]
