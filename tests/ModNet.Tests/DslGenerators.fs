/// Generators of networks and experiments for properties.
module ModNet.Tests.DslGenerators

open System
open FsCheck
open FsCheck.FSharp
open ModNet

/// What FsCheck's own derivation for records and unions needs to be told: JSON has no lone surrogates and no null
/// names, and no number is NaN, since NaN equals nothing.
type Values =
    static member String() =
        ArbMap.defaults
        |> ArbMap.arbitrary<NonNull<string>>
        |> Arb.convert
            (fun text -> text.Get.ToCharArray() |> Array.filter (Char.IsSurrogate >> not) |> String)
            (fun text -> NonNull text)

    static member Float() =
        ArbMap.defaults |> ArbMap.arbitrary<float> |> Arb.filter (Double.IsNaN >> not)

let private size = Gen.choose (1, 6)
let private activation = Gen.elements [ None; Some Relu; Some Tanh; Some Sigmoid ]

let private linearOf width =
    gen {
        let! bias = Gen.elements [ true; false ]
        let! activation = activation

        return
            ({
                Width = width
                Bias = bias
                Activation = activation
            }
            : LinearSpec)
    }

/// A modular layer whose units are this wide, with a pool of its own.
let private modularOf width =
    gen {
        let! unit = linearOf width
        let! modules = size
        let! choose = Gen.choose (1, modules)
        let! combine = Gen.elements [ Sum; Concat ]
        let! dispatch = Gen.elements [ Auto; Loop; Grouped; Wide ]

        return {
            Pool = {
                Name = None
                Modules = modules
                Unit = Some(PoolUnit.Linear unit)
            }
            Choose = choose
            Combine = combine
            Controller = Linear
            Dispatch = dispatch
        }
    }

let private modularGru =
    gen {
        let! width = size
        let! candidate = modularOf width

        let hidden =
            match candidate.Combine with
            | Sum -> width
            | Concat -> candidate.Choose * width

        return
            Layer.ModularGru {
                Hidden = hidden
                Candidate = candidate
            }
    }

let private plain =
    Gen.oneof [
        size |> Gen.bind linearOf |> Gen.map Layer.Linear
        Gen.elements [ Relu; Tanh; Sigmoid ] |> Gen.map Layer.Activation
    ]

let private modular = size |> Gen.bind modularOf |> Gen.map Layer.Modular

/// A sound network: vectors or sequences, modular layers and plain ones, any head that fits.
let soundNetwork =
    gen {
        let! width = size

        let! input, body, heads =
            Gen.elements [
                [ Layer.Features width ],
                Gen.oneof [ plain; modular ],
                [
                    Gen.constant Layer.Bernoulli
                    size |> Gen.map (float >> Variance.Fixed >> Layer.Gaussian)
                    size |> Gen.map (float >> Variance.Learned >> Layer.Gaussian)
                    Gen.map Layer.Softmax size
                ]
                [ Layer.Tokens 9; Layer.Embed width ], Gen.oneof [ plain; modularGru ], [ Gen.map Layer.Softmax size ]
            ]

        let! layers = Gen.listOf body
        let! head = Gen.oneof heads

        return
            ({
                Name = "net"
                Layers = input @ layers @ [ head ]
            }
            : Network)
    }
