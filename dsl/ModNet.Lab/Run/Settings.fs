namespace ModNet

/// What the command line may change about an experiment. None keeps what the script says.
type Settings = {
    Data: string option
    Vocabulary: int option
    Steps: int option
    Seed: int option
    Out: string option
    LogEvery: int option
    ValidateEvery: int option
    CheckpointEvery: int option
    TraceEvery: int option
    /// Threads of libtorch and the kernels; None takes all cores.
    Threads: int option
    /// `cpu`, `cuda` or `cuda:N`.
    Device: string option
    /// Whether to go on from the checkpoint in the run's folder, if there is one.
    Resume: bool
    /// The command as the user gave it, for the record.
    Command: string
}

/// Applies what the command line says to an experiment.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Settings =

    /// Changes nothing, and starts anew.
    /// Example: `{ Settings.none with Steps = Some 100 }`
    let none: Settings = {
        Data = None
        Vocabulary = None
        Steps = None
        Seed = None
        Out = None
        LogEvery = None
        ValidateEvery = None
        CheckpointEvery = None
        TraceEvery = None
        Threads = None
        Device = None
        Resume = false
        Command = ""
    }

    let private data (settings: Settings) (data: Data) : Data =
        let limited =
            match data with
            | Data.Text text ->
                Data.Text { text with Vocabulary = settings.Vocabulary |> Option.orElse text.Vocabulary }
            | other -> other

        settings.Data |> Option.fold (fun data path -> Sources.at path data) limited

    /// The experiment with the command line's changes. Raises UserException for a device that is none.
    let apply (settings: Settings) (experiment: Experiment) : Experiment = {
        experiment with
            Data = data settings experiment.Data
            Method = experiment.Method.WithSteps(defaultArg settings.Steps experiment.Method.Steps)
            Seed = defaultArg settings.Seed experiment.Seed
            Device = settings.Device |> Option.map Devices.parse |> Option.defaultValue experiment.Device
            Out = settings.Out |> Option.orElse experiment.Out
            LogEvery = defaultArg settings.LogEvery experiment.LogEvery
            ValidateEvery = defaultArg settings.ValidateEvery experiment.ValidateEvery
            CheckpointEvery = settings.CheckpointEvery |> Option.orElse experiment.CheckpointEvery
            Tracing = { experiment.Tracing with Every = settings.TraceEvery |> Option.orElse experiment.Tracing.Every }
    }
