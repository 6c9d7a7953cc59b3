namespace ModNet

open NetworkJsonReader

/// Experiments from JSON nodes, as `ExperimentJson` writes them.
module internal ExperimentJsonReader =

    let private texts = JsonReader.list JsonReader.string

    let private readTarget =
        kinds [
            "classes", ([ "count" ], fun field -> Target.Classes(field "count" |> JsonReader.int))
            "values", ([ "width" ], fun field -> Target.Values(field "width" |> JsonReader.int))
        ]

    let private readText (field: string -> JsonPlace) : TextData = {
        Path = field "path" |> JsonReader.string
        Window = field "window" |> JsonReader.int
        Vocabulary = field "vocabulary" |> JsonReader.option JsonReader.int
        CarryState = field "carry_state" |> JsonReader.bool
    }

    let private readToy (field: string -> JsonPlace) : ToyRegression = {
        Dimensions = field "dimensions" |> JsonReader.int
        Points = field "points" |> JsonReader.int
        HeldOut = field "held_out" |> JsonReader.int
        Separation = field "separation" |> JsonReader.float
        Spread = field "spread" |> JsonReader.float
        SeedOffset = field "seed_offset" |> JsonReader.int
    }

    let private readCsv (field: string -> JsonPlace) : CsvData = {
        Path = field "path" |> JsonReader.string
        Targets = field "targets" |> texts
        Classes = field "classes" |> JsonReader.option JsonReader.int
        Features = field "features" |> JsonReader.option texts
        Task = field "task" |> JsonReader.option JsonReader.string
        Header = field "header" |> JsonReader.bool
        Separator = field "separator" |> JsonReader.choice JsonWords.separators
        Standardise = field "standardise" |> JsonReader.bool
        HeldOut = field "held_out" |> JsonReader.float
        Test = field "test" |> JsonReader.float
        SplitSeed = field "split_seed" |> JsonReader.int
    }

    let private imageFields = [ "path"; "held_out"; "standardise"; "split_seed" ]

    let private readImages (field: string -> JsonPlace) : ImageData = {
        Path = field "path" |> JsonReader.string
        HeldOut = field "held_out" |> JsonReader.int
        Standardise = field "standardise" |> JsonReader.bool
        SplitSeed = field "split_seed" |> JsonReader.int
    }

    let private readInMemory (field: string -> JsonPlace) : InMemoryData = {
        Name = field "name" |> JsonReader.string
        Input = field "input" |> readShape
        Target = field "target" |> readTarget
        Tasks = field "tasks" |> JsonReader.option JsonReader.int
        Given = field "given" |> JsonReader.option JsonReader.int
        Points = field "points" |> JsonReader.int
        HeldOut = field "held_out" |> JsonReader.int
        Test = field "test" |> JsonReader.int
        SplitSeed = field "split_seed" |> JsonReader.int
        Checksum = field "checksum" |> JsonReader.string
        Arrays = Carried.none
    }

    let private readGenerated (field: string -> JsonPlace) : GeneratedData = {
        Name = field "name" |> JsonReader.string
        Input = field "input" |> readShape
        Target = field "target" |> readTarget
        Tasks = field "tasks" |> JsonReader.option JsonReader.int
        Given = field "given" |> JsonReader.option JsonReader.int
        Points = field "points" |> JsonReader.int
        HeldOut = field "held_out" |> JsonReader.int
        Test = field "test" |> JsonReader.int
        SeedOffset = field "seed_offset" |> JsonReader.int
        Draw = Carried.none
    }

    let private readData =
        kinds [
            "text", ([ "path"; "window"; "vocabulary"; "carry_state" ], readText >> Data.Text)
            "toy_regression",
            ([ "dimensions"; "points"; "held_out"; "separation"; "spread"; "seed_offset" ],
             readToy >> Data.ToyRegression)
            "csv",
            ([
                "path"
                "targets"
                "classes"
                "features"
                "task"
                "header"
                "separator"
                "standardise"
                "held_out"
                "test"
                "split_seed"
             ],
             readCsv >> Data.Csv)
            "mnist", (imageFields, readImages >> Data.Mnist)
            "cifar10", (imageFields, readImages >> Data.Cifar10)
            "in_memory",
            ([ "name"; "input"; "target"; "tasks"; "given"; "points"; "held_out"; "test"; "split_seed"; "checksum" ],
             readInMemory >> Data.InMemory)
            "generated",
            ([ "name"; "input"; "target"; "tasks"; "given"; "points"; "held_out"; "test"; "seed_offset" ],
             readGenerated >> Data.Generated)
        ]

    let private readOptimizer =
        kinds [
            "adam", ([ "rate" ], fun field -> Adam(field "rate" |> JsonReader.float))
            "adamw",
            ([ "rate"; "decay" ],
             fun field -> AdamW(field "rate" |> JsonReader.float, field "decay" |> JsonReader.float))
            "sgd",
            ([ "rate"; "momentum" ],
             fun field -> Sgd(field "rate" |> JsonReader.float, field "momentum" |> JsonReader.float))
        ]

    let rec private readSchedule place : Schedule =
        place
        |> kinds [
            "constant", ([], fun _ -> Constant)
            "cosine", ([], fun _ -> Cosine)
            "decay",
            ([ "every"; "factor" ],
             fun field -> Decay(field "every" |> JsonReader.int, field "factor" |> JsonReader.float))
            "warmup",
            ([ "steps"; "after" ], fun field -> Warmup(field "steps" |> JsonReader.int, field "after" |> readSchedule))
        ]

    let private readEm (field: string -> JsonPlace) : Em = {
        Samples = field "samples" |> JsonReader.int
        MSteps = field "m_steps" |> JsonReader.int
        Batch = field "batch" |> JsonReader.int
        EBatch = field "e_batch" |> JsonReader.int
        Steps = field "steps" |> JsonReader.int
        Optimizer = field "optimizer" |> readOptimizer
        Unselected = field "unselected" |> JsonReader.choice JsonWords.unselected
        Schedule = field "schedule" |> readSchedule
        ControllerWeight = field "controller_weight" |> JsonReader.float
        Start = field "start" |> JsonReader.choice JsonWords.starts
        Held = field "held" |> JsonReader.choice JsonWords.helds
    }

    let private stepFields = [ "batch"; "steps"; "optimizer"; "unselected"; "schedule" ]

    let private readSteps (field: string -> JsonPlace) : GradientSteps = {
        Batch = field "batch" |> JsonReader.int
        Steps = field "steps" |> JsonReader.int
        Optimizer = field "optimizer" |> readOptimizer
        Unselected = field "unselected" |> JsonReader.choice JsonWords.unselected
        Schedule = field "schedule" |> readSchedule
    }

    let private readReinforce (field: string -> JsonPlace) : Reinforce = {
        Decay = field "decay" |> JsonReader.float
        Gradient = readSteps field
    }

    let private readNoisyTopK (field: string -> JsonPlace) : NoisyTopK = {
        K = field "k" |> JsonReader.int
        Importance = field "importance" |> JsonReader.float
        Load = field "load" |> JsonReader.float
        Gradient = readSteps field
    }

    let private readMethod =
        kinds [
            "em",
            ([
                "samples"
                "m_steps"
                "batch"
                "e_batch"
                "steps"
                "optimizer"
                "unselected"
                "schedule"
                "controller_weight"
                "start"
                "held"
             ],
             readEm >> Method.Em)
            "reinforce", ("decay" :: stepFields, readReinforce >> Method.Reinforce)
            "noisy_topk", ([ "k"; "importance"; "load" ] @ stepFields, readNoisyTopK >> Method.NoisyTopK)
            "static_modules", (stepFields, readSteps >> Method.StaticModules)
            "exact", (stepFields, readSteps >> Method.Exact)
        ]

    let private readDevice =
        kinds [ "cpu", ([], fun _ -> Cpu); "cuda", ([ "index" ], fun field -> Cuda(field "index" |> JsonReader.int)) ]

    let private readTracing place : Tracing =
        let field = JsonReader.properties [ "every"; "rows"; "at_end" ] place

        {
            Every = field "every" |> JsonReader.option JsonReader.int
            Rows = field "rows" |> JsonReader.int
            AtEnd = field "at_end" |> JsonReader.int
        }

    let read place : Experiment =
        let field =
            JsonReader.properties
                [
                    "network"
                    "data"
                    "method"
                    "seed"
                    "device"
                    "log_every"
                    "validate_every"
                    "checkpoint_every"
                    "keep_checkpoints"
                    "trace"
                    "out"
                ]
                place

        {
            Network = field "network" |> NetworkJsonReader.read
            Data = field "data" |> readData
            Method = field "method" |> readMethod
            Seed = field "seed" |> JsonReader.int
            Device = field "device" |> readDevice
            LogEvery = field "log_every" |> JsonReader.int
            ValidateEvery = field "validate_every" |> JsonReader.int
            CheckpointEvery = field "checkpoint_every" |> JsonReader.option JsonReader.int
            KeepCheckpoints = field "keep_checkpoints" |> JsonReader.int
            Tracing = field "trace" |> readTracing
            Out = field "out" |> JsonReader.option JsonReader.string
        }
