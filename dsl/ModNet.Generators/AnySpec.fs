namespace ModNet.Generators

open System
open FsCheck
open FsCheck.FSharp
open ModNet

/// Arguments for properties of any spec at all, most of them wrong in every way: FsCheck derives networks and experiments by
/// itself, and is told here what it cannot know.
///
/// Example: `testPropertyWithConfig { FsCheckConfig.defaultConfig with arbitrary = [ typeof<AnySpec> ] } "check answers" <| fun (network: Network) -> check network = check network`
type AnySpec =

    /// Text without lone surrogates, which JSON has not, and without null.
    static member String() : Arbitrary<string> =
        ArbMap.defaults
        |> ArbMap.arbitrary<NonNull<string>>
        |> Arb.convert
            (fun text -> text.Get.ToCharArray() |> Array.filter (Char.IsSurrogate >> not) |> String)
            (fun text -> NonNull text)

    /// Numbers without NaN, which equals nothing.
    static member Float() : Arbitrary<float> =
        ArbMap.defaults |> ArbMap.arbitrary<float> |> Arb.filter (Double.IsNaN >> not)

    /// Small numbers, and now and then one beyond all bounds.
    static member Int() : Arbitrary<int> =
        let generator =
            Gen.frequency [
                12, Gen.choose (-1, 6)
                1, Gen.elements [ Int32.MinValue; -100; 257; 65_537; Int32.MaxValue ]
            ]

        Arb.fromGenShrink (generator, ArbMap.defaults |> ArbMap.arbitrary<int> |> _.Shrinker)

    /// No code and no arrays, as in a spec that was read from JSON.
    static member Carried() : Arbitrary<Carried<'T>> = Arb.fromGen (Gen.constant Carried.none)

    /// A few layers, fewer the deeper they are, so that networks end.
    static member Layers(layer: Arbitrary<Layer>) : Arbitrary<Layer list> =
        let generator =
            Gen.sized (fun size ->
                gen {
                    let! count = Gen.choose (0, min 6 size)
                    return! layer.Generator |> Gen.resize (size / 4) |> Gen.listOfLength count
                })

        let shrink (layers: Layer list) =
            seq {
                for index in 0 .. layers.Length - 1 do
                    List.removeAt index layers

                for index in 0 .. layers.Length - 1 do
                    for smaller in layer.Shrinker layers[index] do
                        List.updateAt index smaller layers
            }

        Arb.fromGenShrink (generator, shrink)

    /// A few tasks of a stream, fewer the deeper they are.
    static member Tasks(task: Arbitrary<StreamTask>) : Arbitrary<StreamTask list> =
        Gen.sized (fun size ->
            gen {
                let! count = Gen.choose (0, min 3 size)
                return! task.Generator |> Gen.resize (size / 4) |> Gen.listOfLength count
            })
        |> Arb.fromGen
