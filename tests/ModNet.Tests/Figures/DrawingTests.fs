/// What a drawing of a network shows, read back from its SVG.
module ModNet.Tests.DrawingTests

open System.Text.RegularExpressions
open Expecto
open ModNet
open ModNet.Tests.Picture

let private svg network =
    match Network.to_svg network with
    | Ok svg -> svg
    | Error mistakes -> failtest $"{mistakes}"

let private picture network = svg network |> read

let private texts (thing: Thing) = thing.Labels |> List.map _.Text |> Set.ofList

let private shared =
    pool "tools" {
        modules 20
        unit (linear 4 |> relu)
        init Glorot
    }

let private useTwo =
    modular {
        from shared
        choose 2
        duplicates Once
    }

let private whole =
    network "whole" {
        features 4
        tasks 3
        useTwo

        block "stem" {
            residual {
                useTwo

                modular {
                    modules 3
                    unit (mlp [ 5; 4 ])
                    controller Task
                    stop_gradient
                }
            }
        }

        sum_of {
            linear 4
            chain { }

            chain {
                linear 8 |> tanh
                linear 4
            }
        }

        repeat 33 { useTwo }
        bernoulli
    }

let private shows = [
    testCase "layers in order from top to bottom, with their shapes" (fun () ->
        let layers = picture ExampleNetworks.lm |> ofKind "layer"
        Expect.equal (layers |> List.map _.Name) [ "tokens"; "embed1"; "modular_gru1"; "softmax" ] "names"
        Expect.equal (layers |> List.sortBy _.Box.Y) layers "in order"

        for layer, shape in List.zip layers [ "[T]"; "[T, 32]"; "[T, 8]"; "[T, 10000]" ] do
            Expect.isTrue ((texts layer).Contains shape) $"{layer.Name} gives {shape}")

    testCase "a modular layer: K of M, combination, controller and all that was said beyond" (fun () ->
        let layers = picture whole |> ofKind "layer"

        let find name = layers |> List.find (fun layer -> layer.Name = name) |> texts

        Expect.equal
            (find "modular1")
            (Set.ofList [
                "modular"
                "K = 2 of M = 20 from tools · Sum"
                "controller Linear"
                "duplicates Once"
                "modular1"
                "[4]"
            ])
            "of a shared pool"

        Expect.equal
            (find "stem/residual1/modular2")
            (Set.ofList [
                "modular"
                "K = 1 of M = 3"
                "controller Task"
                "stop_gradient"
                "linear 5 |> relu"
                "linear 4"
                "0"
                "1"
                "2"
                "stem/residual1/modular2"
                "[4]"
            ])
            "with a pool of its own, and its modules")

    testCase "a shared pool once, some of its modules, and who uses it" (fun () ->
        match picture whole |> ofKind "pool" with
        | [ pool ] ->
            Expect.equal
                (texts pool)
                (Set.ofList [
                    "pool tools"
                    "linear 4 |> relu"
                    "0"
                    "1"
                    "2"
                    "3"
                    "4"
                    "… 19"
                    "init Glorot"
                    "[4] → [4]"
                    "shared by 35 layers"
                ])
                "its card"
        | pools -> failtest $"expected one pool, got {pools.Length}")

    testCase "lines of inner branches go around what stands beside them" (fun () ->
        let column =
            chain {
                useTwo

                modular {
                    from shared
                    controller Task
                }
            }

        let crowded =
            network "crowded" {
                features 4
                tasks 2

                sum_of {
                    column

                    sum_of {
                        column
                        linear 4
                        column
                    }

                    residual { column }
                    column
                }

                bernoulli
            }

        let picture = picture crowded
        Expect.isEmpty (crossed picture) "cards that a line crosses"

        for dashes, count in [ toPool, 10; ofTaskId, 5 ] do
            let touched =
                picture.Lines
                |> List.filter (fun (look, _) -> look = dashes)
                |> List.collect snd
                |> List.filter (fun (x, y) ->
                    ofKind "layer" picture
                    |> List.exists (fun layer ->
                        let edge = if dashes = toPool then layer.Box.Right else layer.Box.X
                        // An arrow's line ends before its tip.
                        abs (x - edge) < 4.0 && y > layer.Box.Y && y < layer.Box.Bottom))
                |> List.distinct

            Expect.equal touched.Length count $"lines with dashes {dashes} meet as many layers")

    testCase "a recurrent layer's pool is used at every step" (fun () ->
        let pool = picture ExampleNetworks.lm |> ofKind "pool" |> List.exactlyOne
        Expect.isTrue ((texts pool).Contains "used by 1 layer, at every step") "the pool says so"
        let layer = picture ExampleNetworks.lm |> ofKind "layer" |> List.item 2
        Expect.isTrue ((texts layer).Contains "a choice at every step") "the layer says so")

    testCase "equal rounds once, unequal ones each" (fun () ->
        let frames network = picture network |> ofKind "frame" |> List.map _.Name

        Expect.equal (frames whole) [ "stem"; "repeat1 × 33" ] "equal"

        let widening =
            network "widening" {
                features 2
                repeat 3 { linear 4 |> relu }
                gaussian (variance 1.0)
            }

        Expect.equal (frames widening) [ "repeat1, round 1"; "repeat1, rounds 2–3" ] "the first reads another width")

    testCase "names that are long or hold markup stay whole, as text" (fun () ->
        let hostile = "<b>\"tools\" & 'more' ]]> \u0001" + String.replicate 60 "x"

        let network =
            network ("net " + hostile.Replace("/", "")) {
                features 4

                modular {
                    from (
                        pool hostile {
                            modules 2
                            unit (linear 4)
                        }
                    )
                }

                bernoulli
            }

        let svg = svg network
        Expect.isFalse (svg.Contains "<b>") "no tag of theirs"
        let pool = read svg |> ofKind "pool" |> List.exactlyOne
        Expect.equal pool.Name (hostile.Replace('\u0001', '\uFFFD')) "the name"

        let lines = pool.Labels |> List.takeWhile (fun label -> label.Text <> "linear 4")

        Expect.equal
            (lines |> List.map _.Text |> String.concat "" |> _.Replace(" ", ""))
            (("pool" + pool.Name).Replace(" ", ""))
            "no letter of it is lost"

        Expect.isGreaterThan lines.Length 1 "in several lines")

    testCase "no ids, classes or styles that two drawings in a page would share" (fun () ->
        Expect.isNotMatch (svg whole) @"\s(id|class|style)=|<style|href" "attributes")

    testCase "the same network, the same text" (fun () -> Expect.equal (svg whole) (svg whole) "twice")

    testCase "a hundred layers are drawn at once" (fun () ->
        let hundred =
            network "hundred" {
                features 4

                for _ in 1..50 do
                    useTwo
                    linear 4

                bernoulli
            }

        let layers = picture hundred |> ofKind "layer"
        Expect.equal layers.Length 102 "layers"
        let pool = picture hundred |> ofKind "pool" |> List.exactlyOne
        Expect.isTrue ((texts pool).Contains "shared by 50 layers") "users")

    testCase "a network that is not sound is not drawn" (fun () ->
        let broken =
            network "broken" {
                features 4
                modular { from shared }
                linear 0
            }

        let mistakes = check broken |> Result.map ignore

        Expect.isTrue mistakes.IsError "it is broken"
        Expect.equal (Network.to_svg broken |> Result.map ignore) mistakes "its mistakes, for the picture"
        Expect.equal (Network.to_mermaid broken |> Result.map ignore) mistakes "and for the chart")
]

[<Tests>]
let tests = testList "drawing" shows
