/// Routing traces of choices drawn at random.
module ModNet.Tests.RoutedExamples

open System
open ModNet
open ModNet.Runtime

let vocabulary = [| "the"; "<eos>"; "cat"; "dog"; "of" |]

/// Layers of their own M and K over datapoints of one class and one task each, or over windows of words; with these labels.
let traceWith (labels: RoutingLabels) (seed: int) (n: int) (times: int) (sizes: (int * int) list) (isText: bool) =
    let random = Random seed

    let distribution modules =
        let raw = Array.init modules (fun _ -> random.NextSingle() ** 3.0f)
        raw |> Array.map (fun p -> p / Array.sum raw)

    let layer i (modules, choose) =
        let sites = if isText then times else 1

        let p = Array.init n (fun _ -> Array.init sites (fun _ -> Array.init choose (fun _ -> distribution modules)))

        RoutingLayer(
            $"modular{i + 1}",
            modules,
            true,
            Array3D.init n sites choose (fun _ _ _ -> random.Next modules),
            Array4D.init n sites choose modules (fun b t k m -> p[b].[t].[k].[m])
        )

    RoutingTrace(
        Step = 3L,
        Split = "test",
        Datapoints = Array.init n (fun i -> int64 (3 * i + 1)),
        Layers = ResizeArray(List.mapi layer sizes),
        LogLikelihood = Array.init n (fun _ -> -random.NextSingle()),
        Tokens = (if isText then Array2D.init n times (fun _ _ -> random.Next 5) else null),
        TargetClasses = Array2D.init n (if isText then times else 1) (fun _ _ -> random.Next 3),
        PredictedClasses = (if isText then null else Array.init n (fun _ -> random.Next 3)),
        Tasks = (if isText then null else Array.init n (fun _ -> random.Next 2)),
        Labels = labels
    )

/// The same with labels of every day.
let traceOf (seed: int) (n: int) (times: int) (sizes: (int * int) list) (isText: bool) =
    let labels =
        if isText then
            RoutingLabels(vocabulary, null, null)
        else
            RoutingLabels(null, [| "zero"; "one"; "two" |], [| "left"; "right" |])

    traceWith labels seed n times sizes isText
