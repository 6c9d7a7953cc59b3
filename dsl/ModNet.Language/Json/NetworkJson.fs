namespace ModNet

open System
open System.Text.Json.Nodes

/// Networks as JSON nodes. Every field is written, defaults too, so a file says all that it means.
module internal NetworkJson =

    let object (properties: (string * JsonNode) list) : JsonNode =
        let object = JsonObject()

        for name, node in properties do
            object.Add(name, node)

        object

    let array (nodes: JsonNode seq) : JsonNode = JsonArray(Array.ofSeq nodes)
    let int (value: int) : JsonNode = JsonValue.Create value
    let long (value: int64) : JsonNode = JsonValue.Create value
    let bool (value: bool) : JsonNode = JsonValue.Create value
    let string (value: string) : JsonNode = JsonValue.Create value

    let float (value: float) : JsonNode =
        if Double.IsFinite value then JsonValue.Create value else string (Numbers.ofFloat value)

    let option write value : JsonNode =
        match value with
        | Some value -> write value
        | None -> null

    let choice words value = string (JsonWords.word words value)

    let private linear (linear: LinearSpec) = [
        "width", int linear.Width
        "bias", bool linear.Bias
        "activation", option (choice JsonWords.activations) linear.Activation
    ]

    let private conv (conv: ConvSpec) = [
        "channels", int conv.Channels
        "kernel", int conv.Kernel
        "stride", int conv.Stride
        "padding", int conv.Padding
        "bias", bool conv.Bias
        "activation", option (choice JsonWords.activations) conv.Activation
    ]

    let private pooling (pooling: PoolingSpec) = [ "window", int pooling.Window; "stride", int pooling.Stride ]

    let shape shape =
        match shape with
        | Shape.Tokens vocabulary -> object [ "kind", string "tokens"; "vocabulary", int vocabulary ]
        | Shape.Vector width -> object [ "kind", string "vector"; "width", int width ]
        | Shape.Sequence width -> object [ "kind", string "sequence"; "width", int width ]
        | Shape.Image(channels, height, width) ->
            object [ "kind", string "image"; "channels", int channels; "height", int height; "width", int width ]

    let private custom (custom: Custom) = [
        "name", string custom.Name
        "input", shape custom.Input
        "output", shape custom.Output
        "parameters", long custom.Parameters
        "multiply_adds", long custom.MultiplyAdds
    ]

    let private controller controller =
        let kind, properties =
            match controller with
            | Linear -> "linear", []
            | Mlp hidden -> "mlp", [ "hidden", array (List.map int hidden) ]
            | Conv(channels, kernel) -> "conv", [ "channels", int channels; "kernel", int kernel ]
            | Task -> "task", []
            | Given -> "given", []
            | Custom spec -> "custom", custom spec

        object (("kind", string kind) :: properties)

    let private variance variance =
        match variance with
        | Variance.Fixed value -> object [ "kind", string "fixed"; "value", float value ]
        | Variance.Learned initial -> object [ "kind", string "learned"; "initial", float initial ]

    let rec private chain layers = array (List.map layer layers)

    and private pool (pool: Pool) =
        object [
            "name", option string pool.Name
            "modules", int pool.Modules
            "units", array (List.map chain pool.Units)
            "init", choice JsonWords.inits pool.Init
        ]

    and private modular (modular: Modular) = [
        "pool", pool modular.Pool
        "choose", int modular.Choose
        "combine", choice JsonWords.combines modular.Combine
        "controller", controller modular.Controller
        "duplicates", choice JsonWords.duplicates modular.Duplicates
        "stop_gradient", bool modular.StopGradient
        "dispatch", choice JsonWords.dispatches modular.Dispatch
    ]

    and private layer layer =
        let kind, properties =
            match layer with
            | Layer.Tokens vocabulary -> "tokens", [ "vocabulary", int vocabulary ]
            | Layer.Features width -> "features", [ "width", int width ]
            | Layer.Image(channels, height, width) ->
                "image", [ "channels", int channels; "height", int height; "width", int width ]
            | Layer.Tasks count -> "tasks", [ "count", int count ]
            | Layer.Embed width -> "embed", [ "width", int width ]
            | Layer.Linear spec -> "linear", linear spec
            | Layer.Conv spec -> "conv", conv spec
            | Layer.MaxPool spec -> "max_pool", pooling spec
            | Layer.AvgPool spec -> "avg_pool", pooling spec
            | Layer.Flatten -> "flatten", []
            | Layer.Activation kind -> "activation", [ "activation", choice JsonWords.activations kind ]
            | Layer.Dropout rate -> "dropout", [ "rate", float rate ]
            | Layer.LayerNorm -> "layer_norm", []
            | Layer.BatchNorm -> "batch_norm", []
            | Layer.ActivityL1 weight -> "activity_l1", [ "weight", float weight ]
            | Layer.Gru hidden -> "gru", [ "hidden", int hidden ]
            | Layer.Modular spec -> "modular", modular spec
            | Layer.ModularGru gru ->
                "modular_gru", [ "hidden", int gru.Hidden; "candidate", object (modular gru.Candidate) ]
            | Layer.Residual layers -> "residual", [ "layers", chain layers ]
            | Layer.SumOf branches -> "sum_of", [ "branches", array (List.map chain branches) ]
            | Layer.ConcatOf branches -> "concat_of", [ "branches", array (List.map chain branches) ]
            | Layer.Repeat(times, layers) -> "repeat", [ "times", int times; "layers", chain layers ]
            | Layer.Block(name, layers) -> "block", [ "name", string name; "layers", chain layers ]
            | Layer.Custom spec -> "custom", custom spec
            | Layer.Softmax classes -> "softmax", [ "classes", int classes ]
            | Layer.Categorical -> "categorical", []
            | Layer.Gaussian spec -> "gaussian", [ "variance", variance spec ]
            | Layer.Bernoulli -> "bernoulli", []

        object (("kind", string kind) :: properties)

    let write (network: Network) = object [ "name", string network.Name; "layers", chain network.Layers ]
