namespace ModNet

open NetworkJson
open NetworkJsonReader

/// Experiments as JSON nodes. Every field is written, defaults too, so a file says all that it means.
module internal ExperimentJson =

    let private texts = List.map string >> array

    let private target target =
        match target with
        | Target.Classes count -> object [ "kind", string "classes"; "count", int count ]
        | Target.Values width -> object [ "kind", string "values"; "width", int width ]

    let private images (images: ImageData) = [
        "path", string images.Path
        "held_out", int images.HeldOut
        "standardise", bool images.Standardise
        "split_seed", int images.SplitSeed
    ]

    let private data data =
        let kind, properties =
            match data with
            | Data.Text text ->
                "text",
                [
                    "path", string text.Path
                    "window", int text.Window
                    "vocabulary", option int text.Vocabulary
                    "carry_state", bool text.CarryState
                ]
            | Data.ToyRegression toy ->
                "toy_regression",
                [
                    "dimensions", int toy.Dimensions
                    "points", int toy.Points
                    "held_out", int toy.HeldOut
                    "separation", float toy.Separation
                    "spread", float toy.Spread
                    "seed_offset", int toy.SeedOffset
                ]
            | Data.Csv csv ->
                "csv",
                [
                    "path", string csv.Path
                    "targets", texts csv.Targets
                    "classes", option int csv.Classes
                    "features", option texts csv.Features
                    "task", option string csv.Task
                    "header", bool csv.Header
                    "separator", choice JsonWords.separators csv.Separator
                    "standardise", bool csv.Standardise
                    "held_out", float csv.HeldOut
                    "test", float csv.Test
                    "split_seed", int csv.SplitSeed
                ]
            | Data.Mnist set -> "mnist", images set
            | Data.Cifar10 set -> "cifar10", images set
            | Data.InMemory data ->
                "in_memory",
                [
                    "name", string data.Name
                    "input", shape data.Input
                    "target", target data.Target
                    "tasks", option int data.Tasks
                    "given", option int data.Given
                    "points", int data.Points
                    "held_out", int data.HeldOut
                    "test", int data.Test
                    "split_seed", int data.SplitSeed
                    "checksum", string data.Checksum
                ]
            | Data.Generated data ->
                "generated",
                [
                    "name", string data.Name
                    "input", shape data.Input
                    "target", target data.Target
                    "tasks", option int data.Tasks
                    "given", option int data.Given
                    "points", int data.Points
                    "held_out", int data.HeldOut
                    "test", int data.Test
                    "seed_offset", int data.SeedOffset
                ]

        object (("kind", string kind) :: properties)

    let private optimizer optimizer =
        match optimizer with
        | Adam rate -> object [ "kind", string "adam"; "rate", float rate ]
        | AdamW(rate, decay) -> object [ "kind", string "adamw"; "rate", float rate; "decay", float decay ]
        | Sgd(rate, momentum) -> object [ "kind", string "sgd"; "rate", float rate; "momentum", float momentum ]

    let rec private schedule schedule' =
        match schedule' with
        | Constant -> object [ "kind", string "constant" ]
        | Cosine -> object [ "kind", string "cosine" ]
        | Decay(every, factor) -> object [ "kind", string "decay"; "every", int every; "factor", float factor ]
        | Warmup(steps, after) -> object [ "kind", string "warmup"; "steps", int steps; "after", schedule after ]

    let private steps (gradient: GradientSteps) = [
        "batch", int gradient.Batch
        "steps", int gradient.Steps
        "optimizer", optimizer gradient.Optimizer
        "unselected", choice JsonWords.unselected gradient.Unselected
        "schedule", schedule gradient.Schedule
    ]

    let private method method =
        match method with
        | Method.Em em ->
            object [
                "kind", string "em"
                "samples", int em.Samples
                "m_steps", int em.MSteps
                "batch", int em.Batch
                "e_batch", int em.EBatch
                "steps", int em.Steps
                "optimizer", optimizer em.Optimizer
                "unselected", choice JsonWords.unselected em.Unselected
                "schedule", schedule em.Schedule
                "controller_weight", float em.ControllerWeight
                "start", choice JsonWords.starts em.Start
                "held", choice JsonWords.helds em.Held
            ]
        | Method.Reinforce reinforce ->
            object ([ "kind", string "reinforce"; "decay", float reinforce.Decay ] @ steps reinforce.Gradient)
        | Method.NoisyTopK mixture ->
            object (
                [
                    "kind", string "noisy_topk"
                    "k", int mixture.K
                    "importance", float mixture.Importance
                    "load", float mixture.Load
                ]
                @ steps mixture.Gradient
            )
        | Method.StaticModules gradient -> object (("kind", string "static_modules") :: steps gradient)
        | Method.Exact gradient -> object (("kind", string "exact") :: steps gradient)

    let private device device =
        match device with
        | Cpu -> object [ "kind", string "cpu" ]
        | Cuda index -> object [ "kind", string "cuda"; "index", int index ]

    let write (experiment: Experiment) =
        object [
            "network", NetworkJson.write experiment.Network
            "data", data experiment.Data
            "method", method experiment.Method
            "seed", int experiment.Seed
            "device", device experiment.Device
            "log_every", int experiment.LogEvery
            "validate_every", int experiment.ValidateEvery
            "checkpoint_every", option int experiment.CheckpointEvery
            "keep_checkpoints", int experiment.KeepCheckpoints
            "trace",
            object [
                "every", option int experiment.Tracing.Every
                "rows", int experiment.Tracing.Rows
                "at_end", int experiment.Tracing.AtEnd
            ]
            "out", option string experiment.Out
        ]
