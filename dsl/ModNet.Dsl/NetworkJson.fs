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
    let bool (value: bool) : JsonNode = JsonValue.Create value
    let string (value: string) : JsonNode = JsonValue.Create value

    let float (value: float) : JsonNode =
        if Double.IsFinite value then
            JsonValue.Create value
        else
            string (Numbers.ofFloat value)

    let option write value : JsonNode =
        match value with
        | Some value -> write value
        | None -> null

    let private choice words value = string (JsonWords.word words value)

    let private linear (linear: LinearSpec) = [
        "width", int linear.Width
        "bias", bool linear.Bias
        "activation", option (choice JsonWords.activations) linear.Activation
    ]

    let private unit (PoolUnit.Linear spec) =
        object (("kind", string "linear") :: linear spec)

    let private pool (pool: Pool) =
        object [
            "name", option string pool.Name
            "modules", int pool.Modules
            "unit", option unit pool.Unit
        ]

    let private modular (modular: Modular) = [
        "pool", pool modular.Pool
        "choose", int modular.Choose
        "combine", choice JsonWords.combines modular.Combine
        "controller", choice JsonWords.controllers modular.Controller
        "dispatch", choice JsonWords.dispatches modular.Dispatch
    ]

    let private variance variance =
        match variance with
        | Variance.Fixed value -> object [ "kind", string "fixed"; "value", float value ]
        | Variance.Learned initial -> object [ "kind", string "learned"; "initial", float initial ]

    let private layer layer =
        let kind, properties =
            match layer with
            | Layer.Tokens vocabulary -> "tokens", [ "vocabulary", int vocabulary ]
            | Layer.Features width -> "features", [ "width", int width ]
            | Layer.Embed width -> "embed", [ "width", int width ]
            | Layer.Linear spec -> "linear", linear spec
            | Layer.Activation kind -> "activation", [ "activation", choice JsonWords.activations kind ]
            | Layer.Modular spec -> "modular", modular spec
            | Layer.ModularGru gru ->
                "modular_gru", [ "hidden", int gru.Hidden; "candidate", object (modular gru.Candidate) ]
            | Layer.Softmax classes -> "softmax", [ "classes", int classes ]
            | Layer.Gaussian spec -> "gaussian", [ "variance", variance spec ]
            | Layer.Bernoulli -> "bernoulli", []

        object (("kind", string kind) :: properties)

    let write (network: Network) =
        object [ "name", string network.Name; "layers", array (List.map layer network.Layers) ]

    /// A place that says its kind: the kind's reader gets the properties beside `kind`.
    let kinds (readers: (string * (string list * ((string -> JsonPlace) -> 'Value))) list) place =
        let names = readers |> List.map (fun (name, _) -> name, name)

        let kind =
            match place.Node with
            | :? JsonObject as object when object.ContainsKey "kind" ->
                JsonReader.choice names {
                    Path = $"{place.Path}.kind"
                    Node = object["kind"]
                }
            | _ ->
                // Not an object, or without a kind: this fails and says which.
                JsonReader.properties [ "kind" ] place "kind" |> JsonReader.choice names

        let properties, read = readers |> List.find (fst >> (=) kind) |> snd
        read (JsonReader.properties ("kind" :: properties) place)

    let private linearFields = [ "width"; "bias"; "activation" ]

    let private readLinear (field: string -> JsonPlace) : LinearSpec = {
        Width = field "width" |> JsonReader.int
        Bias = field "bias" |> JsonReader.bool
        Activation =
            field "activation"
            |> JsonReader.option (JsonReader.choice JsonWords.activations)
    }

    let private readUnit =
        kinds [ "linear", (linearFields, readLinear >> PoolUnit.Linear) ]

    let private readPool place : Pool =
        let field = JsonReader.properties [ "name"; "modules"; "unit" ] place

        {
            Name = field "name" |> JsonReader.option JsonReader.string
            Modules = field "modules" |> JsonReader.int
            Unit = field "unit" |> JsonReader.option readUnit
        }

    let private modularFields = [ "pool"; "choose"; "combine"; "controller"; "dispatch" ]

    let private readModular (field: string -> JsonPlace) : Modular = {
        Pool = field "pool" |> readPool
        Choose = field "choose" |> JsonReader.int
        Combine = field "combine" |> JsonReader.choice JsonWords.combines
        Controller = field "controller" |> JsonReader.choice JsonWords.controllers
        Dispatch = field "dispatch" |> JsonReader.choice JsonWords.dispatches
    }

    let private readVariance =
        kinds [
            "fixed", ([ "value" ], fun field -> Variance.Fixed(field "value" |> JsonReader.float))
            "learned", ([ "initial" ], fun field -> Variance.Learned(field "initial" |> JsonReader.float))
        ]

    let private readLayer =
        let one name make =
            [ name ], fun field -> make (field name |> JsonReader.int)

        kinds [
            "tokens", one "vocabulary" Layer.Tokens
            "features", one "width" Layer.Features
            "embed", one "width" Layer.Embed
            "linear", (linearFields, readLinear >> Layer.Linear)
            "activation",
            ([ "activation" ],
             fun field -> Layer.Activation(field "activation" |> JsonReader.choice JsonWords.activations))
            "modular", (modularFields, readModular >> Layer.Modular)
            "modular_gru",
            ([ "hidden"; "candidate" ],
             fun field ->
                 Layer.ModularGru {
                     Hidden = field "hidden" |> JsonReader.int
                     Candidate = field "candidate" |> JsonReader.properties modularFields |> readModular
                 })
            "softmax", one "classes" Layer.Softmax
            "gaussian", ([ "variance" ], fun field -> Layer.Gaussian(field "variance" |> readVariance))
            "bernoulli", ([], fun _ -> Layer.Bernoulli)
        ]

    let read place : Network =
        let field = JsonReader.properties [ "name"; "layers" ] place

        {
            Name = field "name" |> JsonReader.string
            Layers = field "layers" |> JsonReader.list readLayer
        }
