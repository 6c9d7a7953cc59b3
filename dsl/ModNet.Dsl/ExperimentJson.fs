namespace ModNet

open NetworkJson
open NetworkJsonReader

/// Experiments as JSON nodes. Every field is written, defaults too, so a file says all that it means.
module internal ExperimentJson =

    let private data data =
        match data with
        | Data.Text text ->
            object [
                "kind", string "text"
                "path", string text.Path
                "window", int text.Window
                "vocabulary", option int text.Vocabulary
            ]
        | Data.ToyRegression toy ->
            object [
                "kind", string "toy_regression"
                "dimensions", int toy.Dimensions
                "points", int toy.Points
                "held_out", int toy.HeldOut
                "separation", float toy.Separation
                "spread", float toy.Spread
                "seed_offset", int toy.SeedOffset
            ]

    let private optimizer (Adam rate) =
        object [ "kind", string "adam"; "rate", float rate ]

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
            ]

    let write (experiment: Experiment) =
        object [
            "network", NetworkJson.write experiment.Network
            "data", data experiment.Data
            "method", method experiment.Method
            "seed", int experiment.Seed
            "log_every", int experiment.LogEvery
            "validate_every", int experiment.ValidateEvery
            "out", option string experiment.Out
        ]

    let private readData =
        kinds [
            "text",
            ([ "path"; "window"; "vocabulary" ],
             fun field ->
                 Data.Text {
                     Path = field "path" |> JsonReader.string
                     Window = field "window" |> JsonReader.int
                     Vocabulary = field "vocabulary" |> JsonReader.option JsonReader.int
                 })
            "toy_regression",
            ([ "dimensions"; "points"; "held_out"; "separation"; "spread"; "seed_offset" ],
             fun field ->
                 Data.ToyRegression {
                     Dimensions = field "dimensions" |> JsonReader.int
                     Points = field "points" |> JsonReader.int
                     HeldOut = field "held_out" |> JsonReader.int
                     Separation = field "separation" |> JsonReader.float
                     Spread = field "spread" |> JsonReader.float
                     SeedOffset = field "seed_offset" |> JsonReader.int
                 })
        ]

    let private readOptimizer =
        kinds [ "adam", ([ "rate" ], fun field -> Adam(field "rate" |> JsonReader.float)) ]

    let private readMethod =
        kinds [
            "em",
            ([ "samples"; "m_steps"; "batch"; "e_batch"; "steps"; "optimizer" ],
             fun field ->
                 Method.Em {
                     Samples = field "samples" |> JsonReader.int
                     MSteps = field "m_steps" |> JsonReader.int
                     Batch = field "batch" |> JsonReader.int
                     EBatch = field "e_batch" |> JsonReader.int
                     Steps = field "steps" |> JsonReader.int
                     Optimizer = field "optimizer" |> readOptimizer
                 })
        ]

    let read place : Experiment =
        let field =
            JsonReader.properties [ "network"; "data"; "method"; "seed"; "log_every"; "validate_every"; "out" ] place

        {
            Network = field "network" |> NetworkJsonReader.read
            Data = field "data" |> readData
            Method = field "method" |> readMethod
            Seed = field "seed" |> JsonReader.int
            LogEvery = field "log_every" |> JsonReader.int
            ValidateEvery = field "validate_every" |> JsonReader.int
            Out = field "out" |> JsonReader.option JsonReader.string
        }
