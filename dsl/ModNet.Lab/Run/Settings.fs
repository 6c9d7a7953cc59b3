namespace ModNet

/// What the command line may change about an experiment. None keeps what the script says.
type Settings = {
    Data: string option
    Vocabulary: int option
    Steps: int option
    /// Passes through the training data, in place of steps.
    Epochs: int option
    /// Evaluations without improvement after which training ends.
    Patience: int option
    Seed: int option
    /// Shards of every minibatch.
    Shards: int option
    Out: string option
    LogEvery: int option
    ValidateEvery: int option
    CheckpointEvery: int option
    TraceEvery: int option
    /// Threads of libtorch and the kernels; None takes all cores.
    Threads: int option
    /// Runs of a sweep that are trained side by side; None takes as many as there are cores.
    Jobs: int option
    /// Where the runs of a sweep are to be trained by an array of jobs.
    Slurm: SlurmRequest option
    /// `cpu`, `cuda` or `cuda:N`.
    Device: string option
    /// Whether to go on from the checkpoint in the run's folder, if there is one.
    Resume: bool
    /// Whether a run replaces an earlier one in its folder, which it would set aside otherwise.
    Overwrite: bool
    /// Whether the log is also written for TensorBoard.
    TensorBoard: bool
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
        Epochs = None
        Patience = None
        Seed = None
        Shards = None
        Out = None
        LogEvery = None
        ValidateEvery = None
        CheckpointEvery = None
        TraceEvery = None
        Threads = None
        Jobs = None
        Slurm = None
        Device = None
        Resume = false
        Overwrite = false
        TensorBoard = false
        Command = ""
    }

    let private data (settings: Settings) (data: Data) : Data =
        let rec limited (data: Data) =
            match data with
            | Data.Text text ->
                Data.Text { text with Vocabulary = settings.Vocabulary |> Option.orElse text.Vocabulary }
            | Data.Stream stream ->
                Data.Stream {
                    stream with
                        Tasks = [ for task in stream.Tasks -> { task with Data = limited task.Data } ]
                }
            | other -> other

        settings.Data |> Option.fold (fun data path -> Sources.at path data) (limited data)

    let private choosesModules layer =
        match layer with
        | Layer.Modular _
        | Layer.ModularGru _ -> true
        | _ -> false

    /// The options given that the experiment has no use for, each with the reason; the caller decides whether anything else used them.
    let internal idle (settings: Settings) (experiment: Experiment) : (string * string) list = [
        if settings.Data.IsSome && (Sources.path experiment.Data).IsNone then
            "--data",
            if experiment.Data.IsStream && experiment.Data.Parts |> List.exists (Sources.path >> Option.isSome) then
                "the tasks of this stream read data from different places"
            else
                "this experiment reads no data from files"

        if settings.Vocabulary.IsSome && not (experiment.Data.Parts |> List.exists _.IsText) then
            "--vocab", "this experiment reads no text"

        if
            settings.TraceEvery.IsSome && not (LayerTree.all experiment.Network.Layers |> List.exists choosesModules)
        then
            "--trace-every", "this network has no layer that chooses modules"
    ]

    let private length (settings: Settings) (method: Method) : Method =
        let patience = settings.Patience |> Option.orElse method.Gradient.EarlyStopping
        let shards = settings.Shards |> Option.orElse method.Gradient.Shards
        let patient = method.WithGradient { method.Gradient with EarlyStopping = patience; Shards = shards }

        match settings.Steps, settings.Epochs with
        | None, None -> patient
        | Some steps, None -> patient.WithSteps steps
        | None, Some epochs -> patient.WithEpochs epochs
        // `check` says that it is one too many.
        | Some steps, Some epochs -> patient.WithGradient { patient.Gradient with Steps = steps; Epochs = Some epochs }

    /// The experiment with the command line's changes. Raises UserException for a device that is none.
    let apply (settings: Settings) (experiment: Experiment) : Experiment = {
        experiment with
            Data = data settings experiment.Data
            Method = length settings experiment.Method
            Seed = defaultArg settings.Seed experiment.Seed
            Device = settings.Device |> Option.map Devices.parse |> Option.defaultValue experiment.Device
            Out = settings.Out |> Option.orElse experiment.Out
            LogEvery = defaultArg settings.LogEvery experiment.LogEvery
            ValidateEvery = defaultArg settings.ValidateEvery experiment.ValidateEvery
            CheckpointEvery = settings.CheckpointEvery |> Option.orElse experiment.CheckpointEvery
            Tracing = { experiment.Tracing with Every = settings.TraceEvery |> Option.orElse experiment.Tracing.Every }
    }
