namespace ModNet

open System.Text.Json.Nodes

/// Networks from JSON nodes, as `NetworkJson` writes them.
module internal NetworkJsonReader =

    /// A place that says its kind: the kind's reader gets the properties beside `kind`.
    let kinds (readers: (string * (string list * ((string -> JsonPlace) -> 'Value))) list) place =
        let names = readers |> List.map (fun (name, _) -> name, name)

        let kind =
            match place.Node with
            | :? JsonObject as object when object.ContainsKey "kind" ->
                JsonReader.choice names { Path = $"{place.Path}.kind"; Node = object["kind"] }
            | _ ->
                // Not an object, or without a kind: this fails and says which.
                JsonReader.properties [ "kind" ] place "kind" |> JsonReader.choice names

        let properties, read = readers |> List.find (fst >> (=) kind) |> snd
        read (JsonReader.properties ("kind" :: properties) place)

    let private convFields = [ "channels"; "kernel"; "stride"; "padding"; "bias"; "activation" ]

    let private linearFields = [ "width"; "bias"; "activation" ]

    let private readLinear (field: string -> JsonPlace) : LinearSpec = {
        Width = field "width" |> JsonReader.int
        Bias = field "bias" |> JsonReader.bool
        Activation = field "activation" |> JsonReader.option (JsonReader.choice JsonWords.activations)
    }

    let private readConv (field: string -> JsonPlace) : ConvSpec = {
        Channels = field "channels" |> JsonReader.int
        Kernel = field "kernel" |> JsonReader.int
        Stride = field "stride" |> JsonReader.int
        Padding = field "padding" |> JsonReader.int
        Bias = field "bias" |> JsonReader.bool
        Activation = field "activation" |> JsonReader.option (JsonReader.choice JsonWords.activations)
    }

    let private readPooling (field: string -> JsonPlace) : PoolingSpec = {
        Window = field "window" |> JsonReader.int
        Stride = field "stride" |> JsonReader.int
    }

    let private imageFields = [ "channels"; "height"; "width" ]

    let private readImage (field: string -> JsonPlace) =
        field "channels" |> JsonReader.int, field "height" |> JsonReader.int, field "width" |> JsonReader.int

    let private one name make = [ name ], fun (field: string -> JsonPlace) -> make (field name |> JsonReader.int)

    let readShape =
        kinds [
            "tokens", one "vocabulary" Shape.Tokens
            "vector", one "width" Shape.Vector
            "sequence", one "width" Shape.Sequence
            "image", (imageFields, readImage >> Shape.Image)
        ]

    let private customFields = [ "name"; "input"; "output"; "parameters"; "multiply_adds" ]

    let private readCustom (field: string -> JsonPlace) : Custom = {
        Name = field "name" |> JsonReader.string
        Input = field "input" |> readShape
        Output = field "output" |> readShape
        Parameters = field "parameters" |> JsonReader.long
        MultiplyAdds = field "multiply_adds" |> JsonReader.long
        Code = Carried.none
    }

    let private readController =
        kinds [
            "linear", ([], fun _ -> Linear)
            "mlp", ([ "hidden" ], fun field -> Mlp(field "hidden" |> JsonReader.list JsonReader.int))
            "conv",
            ([ "channels"; "kernel" ],
             fun field -> Conv(field "channels" |> JsonReader.int, field "kernel" |> JsonReader.int))
            "task", ([], fun _ -> Task)
            "given", ([], fun _ -> Given)
            "custom", (customFields, readCustom >> Custom)
        ]

    let private readVariance =
        kinds [
            "fixed", ([ "value" ], fun field -> Variance.Fixed(field "value" |> JsonReader.float))
            "learned", ([ "initial" ], fun field -> Variance.Learned(field "initial" |> JsonReader.float))
        ]

    let private modularFields = [ "pool"; "choose"; "combine"; "controller"; "duplicates"; "stop_gradient"; "dispatch" ]

    let rec private readChain place = JsonReader.list readLayer place

    and private readPool place : Pool =
        let field = JsonReader.properties [ "name"; "modules"; "units"; "init" ] place

        {
            Name = field "name" |> JsonReader.option JsonReader.string
            Modules = field "modules" |> JsonReader.int
            Units = field "units" |> JsonReader.list readChain
            Init = field "init" |> JsonReader.choice JsonWords.inits
        }

    and private readModular (field: string -> JsonPlace) : Modular = {
        Pool = field "pool" |> readPool
        Choose = field "choose" |> JsonReader.int
        Combine = field "combine" |> JsonReader.choice JsonWords.combines
        Controller = field "controller" |> readController
        Duplicates = field "duplicates" |> JsonReader.choice JsonWords.duplicates
        StopGradient = field "stop_gradient" |> JsonReader.bool
        Dispatch = field "dispatch" |> JsonReader.choice JsonWords.dispatches
    }

    and private readBranches (field: string -> JsonPlace) = field "branches" |> JsonReader.list readChain

    and private readLayer place : Layer = kinds layers place

    and private layers: (string * (string list * ((string -> JsonPlace) -> Layer))) list = [
        "tokens", one "vocabulary" Layer.Tokens
        "features", one "width" Layer.Features
        "image", (imageFields, readImage >> Layer.Image)
        "tasks", one "count" Layer.Tasks
        "embed", one "width" Layer.Embed
        "linear", (linearFields, readLinear >> Layer.Linear)
        "conv", (convFields, readConv >> Layer.Conv)
        "max_pool", ([ "window"; "stride" ], readPooling >> Layer.MaxPool)
        "avg_pool", ([ "window"; "stride" ], readPooling >> Layer.AvgPool)
        "flatten", ([], fun _ -> Layer.Flatten)
        "activation",
        ([ "activation" ], fun field -> Layer.Activation(field "activation" |> JsonReader.choice JsonWords.activations))
        "dropout", ([ "rate" ], fun field -> Layer.Dropout(field "rate" |> JsonReader.float))
        "layer_norm", ([], fun _ -> Layer.LayerNorm)
        "batch_norm", ([], fun _ -> Layer.BatchNorm)
        "activity_l1", ([ "weight" ], fun field -> Layer.ActivityL1(field "weight" |> JsonReader.float))
        "gru", one "hidden" Layer.Gru
        "modular", (modularFields, readModular >> Layer.Modular)
        "modular_gru",
        ([ "hidden"; "candidate" ],
         fun field ->
             Layer.ModularGru {
                 Hidden = field "hidden" |> JsonReader.int
                 Candidate = field "candidate" |> JsonReader.properties modularFields |> readModular
             })
        "residual", ([ "layers" ], fun field -> Layer.Residual(field "layers" |> readChain))
        "sum_of", ([ "branches" ], readBranches >> Layer.SumOf)
        "concat_of", ([ "branches" ], readBranches >> Layer.ConcatOf)
        "repeat",
        ([ "times"; "layers" ], fun field -> Layer.Repeat(field "times" |> JsonReader.int, field "layers" |> readChain))
        "block",
        ([ "name"; "layers" ], fun field -> Layer.Block(field "name" |> JsonReader.string, field "layers" |> readChain))
        "custom", (customFields, readCustom >> Layer.Custom)
        "softmax", one "classes" Layer.Softmax
        "categorical", ([], fun _ -> Layer.Categorical)
        "gaussian", ([ "variance" ], fun field -> Layer.Gaussian(field "variance" |> readVariance))
        "bernoulli", ([], fun _ -> Layer.Bernoulli)
    ]

    let read place : Network =
        let field = JsonReader.properties [ "name"; "layers" ] place

        { Name = field "name" |> JsonReader.string; Layers = field "layers" |> readChain }
