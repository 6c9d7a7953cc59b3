/// Heads of many shapes, as a property draws them.
module ModNet.Tests.HeadShapes

open System
open FsCheck.FSharp
open ModNet.Tests.HeadReference

type Shape = { count: int; hidden: int; vocabulary: int; spread: float; threads: int; lanes: int; seed: int }

type Shapes =
    static member Shape() =
        let generator =
            gen {
                let! count = Gen.frequency [ 1, Gen.constant 0; 2, Gen.constant 1; 9, Gen.choose (2, 60) ]

                let! hidden = Gen.frequency [ 3, Gen.choose (1, 17); 1, Gen.choose (18, 70) ]

                let! vocabulary = Gen.frequency [ 1, Gen.constant 2; 3, Gen.choose (1, 140); 1, Gen.choose (141, 700) ]

                let! spread = Gen.elements [ 0.01; 1.0; 10.0; 20.0; 40.0; 100.0; 1e4 ]
                let! threads = Gen.choose (1, 3)
                let! lanes = Gen.elements [ 4; 8; 16 ]
                let! seed = Gen.choose (0, 1_000_000)

                return {
                    count = count
                    hidden = hidden
                    vocabulary = vocabulary
                    spread = spread
                    threads = threads
                    lanes = lanes
                    seed = seed
                }
            }

        let shrinker shape =
            seq {
                for count in Seq.filter ((<=) 0) [ 0; shape.count / 2; shape.count - 1 ] do
                    if count < shape.count then { shape with count = count }

                for hidden in Seq.filter ((<=) 1) [ 1; shape.hidden / 2; shape.hidden - 1 ] do
                    if hidden < shape.hidden then { shape with hidden = hidden }

                for vocabulary in Seq.filter ((<=) 1) [ 2; shape.vocabulary / 2; shape.vocabulary - 1 ] do
                    if vocabulary < shape.vocabulary then { shape with vocabulary = vocabulary }

                if shape.threads > 1 then { shape with threads = 1 }
            }

        Arb.fromGenShrink (generator, shrinker)

let headOf shape = random shape.seed shape.count shape.hidden shape.vocabulary shape.spread

let weightsOf shape =
    let random = Random(shape.seed + 1)
    Array.init shape.count (fun _ -> float32 (random.NextDouble() * 2.0 - 1.0))
