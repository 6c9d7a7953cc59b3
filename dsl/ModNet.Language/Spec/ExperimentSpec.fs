namespace ModNet

/// What a* is before the first M-step.
type Start =
    /// Uniform over all compositions (Algorithm 1).
    | AtRandom
    /// The same, and then one E-step for every datapoint.
    | Sweep

/// Where a* is among an E-step's candidates.
type Held =
    /// Beside S fresh samples (Eq. 11).
    | Beside
    /// One of the S, so that S − 1 are fresh.
    | Among

/// Which datapoints share a*.
type Assign =
    /// None: each has its own.
    | PerDatapoint
    /// Those of one task id. An E-step sums the joint over them.
    | PerTask

/// REINFORCE (paper, Eqs. 12–14) with an exponential moving average as control variate.
type Reinforce = {
    /// How much of the average a minibatch leaves as it was, in [0, 1).
    Decay: float
    Gradient: GradientSteps
}

/// The noisy top-k mixture (Shazeer et al. 2017).
type NoisyTopK = {
    /// k, the number of modules that run for every row, ≥ 1 and ≤ M.
    K: int
    /// Weighs the importance loss, ≥ 0; 0 is without.
    Importance: float
    /// Weighs the load loss, ≥ 0; 0 is without.
    Load: float
    Gradient: GradientSteps
}

/// Top-k balanced by biases and without a loss for it (Wang et al. 2024).
type LossFreeTopK = {
    /// k, the number of modules that run for every row, ≥ 1 and ≤ M.
    K: int
    /// By how much a gradient step moves every module's bias, ≥ 0; 0 is plain top-k.
    UpdateRate: float
    Gradient: GradientSteps
}

/// Generalised Viterbi EM (paper, Algorithm 1). Its gradient steps are the M-steps.
type Em = {
    /// S, the number of compositions drawn per datapoint in an E-step, ≥ 1; with `Among` a* is one of them.
    Samples: int
    /// Gradient steps between two E-steps, ≥ 1.
    MSteps: int
    /// Datapoints in an E-step's minibatch.
    EBatch: int
    /// Weighs log p(a* | x, φ) against log p(y | x, a*, θ) in the M-step's loss, ≥ 0; 1 is Eq. 8.
    ControllerWeight: float
    Start: Start
    Held: Held
    Assign: Assign
    Gradient: GradientSteps
}

/// How the network is trained.
[<RequireQualifiedAccess>]
type Method =
    | Em of Em
    | Reinforce of Reinforce
    | NoisyTopK of NoisyTopK
    | LossFreeTopK of LossFreeTopK
    /// The same K modules for every datapoint.
    | StaticModules of GradientSteps
    /// The marginal likelihood by enumeration (Eq. 4).
    | Exact of GradientSteps
    /// Several players, each with a network of its own, in place of the experiment's one network.
    | Game of Game

    /// How its gradient steps are taken.
    member method.Gradient =
        match method with
        | Em { Gradient = gradient }
        | Reinforce { Gradient = gradient }
        | NoisyTopK { Gradient = gradient }
        | LossFreeTopK { Gradient = gradient }
        | Game { Gradient = gradient }
        | StaticModules gradient
        | Exact gradient -> gradient

    /// The same with gradient steps taken another way.
    member method.WithGradient(gradient: GradientSteps) =
        match method with
        | Em em -> Em { em with Gradient = gradient }
        | Reinforce reinforce -> Reinforce { reinforce with Gradient = gradient }
        | NoisyTopK mixture -> NoisyTopK { mixture with Gradient = gradient }
        | LossFreeTopK mixture -> LossFreeTopK { mixture with Gradient = gradient }
        | StaticModules _ -> StaticModules gradient
        | Exact _ -> Exact gradient
        | Game game -> Game { game with Gradient = gradient }

    /// The number of gradient steps in all; 0 where they are said in epochs, and only the data tell.
    member method.Steps = method.Gradient.Steps

    /// The same with so many gradient steps in all, whatever was said of its length.
    member method.WithSteps(steps: int) = method.WithGradient { method.Gradient with Steps = steps; Epochs = None }

    /// The same with so many passes through the training data, whatever was said of its length.
    member method.WithEpochs(epochs: int) = method.WithGradient { method.Gradient with Steps = 0; Epochs = Some epochs }

/// What tensors are computed on.
type Device =
    | Cpu
    /// The CUDA device of this index, from 0.
    | Cuda of index: int

    /// `cpu` or `cuda:0`.
    override device.ToString() =
        match device with
        | Cpu -> "cpu"
        | Cuda index -> $"cuda:{index}"

/// Which routing traces a run leaves: what modules ran for which datapoints, as data.
type Tracing = {
    /// One of training datapoints before the first gradient step and after every so many; None leaves none.
    Every: int option
    /// The number of training datapoints that those hold, at most: evenly spaced over the set, the same every time.
    Rows: int
    /// The number of held-out datapoints that the trace at the end holds, at most: evenly spaced over the set.
    AtEnd: int
}

/// A network, its data, its training: everything that a run depends on.
type Experiment = {
    /// The network; of a game a name without layers, since its players have networks of their own.
    Network: Network
    Data: Data
    Method: Method
    Seed: int
    Device: Device
    /// A line of metrics every so many gradient steps.
    LogEvery: int
    /// Validation every so many gradient steps.
    ValidateEvery: int
    /// A checkpoint every so many gradient steps; None writes one with every validation.
    CheckpointEvery: int option
    /// How many checkpoints stay in the run's folder, the newest among them, ≥ 1.
    KeepCheckpoints: int
    /// Whether the checkpoint with which the validation set was the most probable stays in the run's folder as well.
    KeepBest: bool
    Tracing: Tracing
    /// The parts of the network that training leaves as they are: layers by name, `LAYER/controller`, pools, `POOL/MODULE`.
    Frozen: string list
    /// The run's folder; None is `runs/` and the network's name.
    Out: string option
} with

    /// All networks that are trained, each under its name: that of the experiment, or those of a game's players.
    member experiment.Networks: Network list =
        match experiment.Method with
        | Method.Game game -> game.Players |> List.map _.Network
        | _ -> [ experiment.Network ]

    /// The number of gradient steps in all, over all tasks of a stream; 0 where they are said in epochs, and only the data tell.
    member experiment.Steps: int64 =
        match experiment.Data with
        | Data.Stream stream when experiment.Method.Gradient.Epochs.IsNone ->
            stream.StepsOfTasks experiment.Method.Steps |> List.sumBy int64
        | _ -> int64 experiment.Method.Steps
