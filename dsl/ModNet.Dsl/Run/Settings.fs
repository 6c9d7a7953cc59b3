namespace ModNet

/// What the command line may change about an experiment. None leaves what the script says.
type Settings = {
    Data: string option
    Vocabulary: int option
    Steps: int option
    Seed: int option
    Out: string option
    LogEvery: int option
    ValidateEvery: int option
    /// Threads of libtorch and the kernels; None takes all cores.
    Threads: int option
    /// `cpu` or `cuda`, with an index if there are several.
    Device: string
    /// The command as the user gave it, for the record.
    Command: string
}

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Settings =

    let private text (settings: Settings) (text: TextData) : TextData = {
        text with
            Path = defaultArg settings.Data text.Path
            Vocabulary = settings.Vocabulary |> Option.orElse text.Vocabulary
    }

    /// The experiment with the command line's changes.
    let apply (settings: Settings) (experiment: Experiment) : Experiment = {
        experiment with
            Data =
                match experiment.Data with
                | Data.Text data -> Data.Text(text settings data)
                | data -> data
            Method =
                match experiment.Method with
                | Method.Em em ->
                    Method.Em {
                        em with
                            Steps = defaultArg settings.Steps em.Steps
                    }
            Seed = defaultArg settings.Seed experiment.Seed
            Out = settings.Out |> Option.orElse experiment.Out
            LogEvery = defaultArg settings.LogEvery experiment.LogEvery
            ValidateEvery = defaultArg settings.ValidateEvery experiment.ValidateEvery
    }
