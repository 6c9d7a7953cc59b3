namespace ModNet.Cli

open System
open System.Reflection
open Microsoft.FSharp.Reflection
open ModNet

/// The words that `open ModNet` brings into a script, and the words that other libraries use for the same things.
[<RequireQualifiedAccess>]
module Vocabulary =

    let private declared =
        BindingFlags.Public ||| BindingFlags.Instance ||| BindingFlags.Static ||| BindingFlags.DeclaredOnly

    let private assemblies = [ typeof<Network>.Assembly; typeof<TrainedNetwork>.Assembly ]

    let private types =
        lazy
            [
                for assembly in assemblies do
                    yield! assembly.GetExportedTypes()
            ]

    /// Functions and values in scope: `network`, `linear`, `em`.
    let private functions =
        lazy
            [
                for owner in types.Value do
                    if owner.IsDefined typeof<AutoOpenAttribute> then
                        yield! owner.GetMethods declared |> Seq.filter (fun info -> not info.IsSpecialName)
            ]

    /// Settings of blocks: `modules`, `batch`.
    let private settings =
        lazy
            [
                for owner in types.Value do
                    for info in owner.GetMethods declared do
                        for attribute in info.GetCustomAttributes<CustomOperationAttribute>() do
                            attribute.Name
            ]

    /// Cases of unions: `Adam`, `Comma`.
    let private cases =
        lazy
            [
                for owner in types.Value do
                    if
                        FSharpType.IsUnion owner
                        && isNull owner.DeclaringType
                        && not (owner.IsDefined typeof<RequireQualifiedAccessAttribute>)
                    then
                        for case in FSharpType.GetUnionCases owner do
                            case.Name
            ]

    /// Every word of the language.
    let words =
        lazy
            (Seq.concat [ functions.Value |> Seq.map _.Name; settings.Value; cases.Value ]
             |> Seq.filter (fun word -> Seq.forall (fun letter -> Char.IsLetterOrDigit letter || letter = '_') word)
             |> Set.ofSeq)

    /// A block that takes something before its braces: the block's word, and what it takes, with texts in quotes.
    let taking (builder: string) : (string * string list) option =
        functions.Value
        |> Seq.tryFind (fun info -> info.ReturnType.Name = builder && info.GetParameters().Length > 0)
        |> Option.map (fun info ->
            info.Name,
            [
                for parameter in info.GetParameters() ->
                    if parameter.ParameterType = typeof<string> then $"\"{parameter.Name}\"" else parameter.Name
            ])

    /// The builder's type of a block that takes something before its braces.
    let builderOf (word: string) : string option =
        functions.Value
        |> Seq.tryFind (fun info -> info.Name = word && info.ReturnType.Name.EndsWith "Builder")
        |> Option.map _.ReturnType.Name

    /// The words of the blocks that have a setting of their own.
    let blocksOf (setting: string) : string list =
        [
            for owner in types.Value do
                let isSetting (info: MethodInfo) =
                    info.GetCustomAttributes<CustomOperationAttribute>()
                    |> Seq.exists (fun attribute -> attribute.Name = setting)

                if owner.GetMethods declared |> Array.exists isSetting then
                    for info in functions.Value do
                        if info.ReturnType = owner then info.Name
        ]
        |> List.distinct
        |> List.sort

    /// Words of PyTorch, Keras, Lightning and of libraries for mixtures of experts, and what stands in a script of ModNet for each.
    let elsewhere =
        Map [
            "optimiser", "optimizer (Adam 1e-3)"
            "optim", "optimizer (Adam 1e-3)"
            "learning_rate", "optimizer (Adam 1e-3)"
            "lr", "optimizer (Adam 1e-3)"
            "adam", "optimizer (Adam 1e-3)"
            "sgd", "optimizer (Sgd 1e-2)"
            "batch_size", "batch 128"
            "minibatch", "batch 128"
            "iterations", "steps 10_000"
            "max_steps", "steps 10_000"
            "dense", "linear 64"
            "Dense", "linear 64"
            "embedding", "embed 32"
            "Embedding", "embed 32"
            "conv2d", "conv 16 3"
            "Conv2d", "conv 16 3"
            "GRU", "gru 64"
            "LSTM", "lstm 64"
            "Conv1d", "conv1d 16 3"
            "conv1D", "conv1d 16 3"
            "conv2d_transpose", "conv_transpose 16 3"
            "ConvTranspose2d", "conv_transpose 16 3"
            "swish", "silu"
            "n_epochs", "epochs 10"
            "num_epochs", "epochs 10"
            "patience", "early_stopping 5"
            "grad_clip", "clip_norm 1.0"
            "clip_grad_norm", "clip_norm 1.0"
            "ema", "average_weights 0.999"
            "Dropout", "dropout 0.1"
            "experts", "modules 8"
            "num_experts", "modules 8"
            "n_modules", "modules 8"
            "top_k", "choose 2"
            "topk", "choose 2"
            "num_selected", "choose 2"
            "router", "controller Linear"
            "gate", "controller Linear"
            "dataset", "data (csv \"mine.csv\" { targets [ \"y\" ] })"
            "sample_weight", "weight \"column\" in csv, or weights in in_memory"
            "sample_weights", "weight \"column\" in csv, or weights in in_memory"
            "model", "net mine"
            "loss", "a head as the network's last layer, such as softmax 10 or gaussian (variance 1.0)"
            "cross_entropy", "softmax 10 as the network's last layer"
            "mse", "gaussian (variance 1.0) as the network's last layer"
        ]
