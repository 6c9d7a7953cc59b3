/// What tells data from others, whatever their path.
module ModNet.Tests.DataIdentityTests

open System
open System.IO
open Expecto
open FsCheck.FSharp
open ModNet.Runtime
open ModNet.Tests.DataFiles
open TorchSharp

let private file name digit = DataFile(name, 10L, System.String(digit, 64))

let private identity (files: DataFile list) = DataIdentity(List.toArray files)

/// One set of N datapoints with two columns and a class, and the same with one number changed.
let private splits (values: float32 array) (classes: int64 array) =
    let inputs = torch.tensor(values).view(-1L, 2L)
    new DataSplits(new Dataset(inputs, torch.tensor classes), [||], [||])

/// A number of datapoints, and one of their 3 N numbers.
let private places =
    gen {
        let! count = Gen.choose (1, 5)
        let! place = Gen.choose (0, 3 * count - 1)
        return count, place
    }

[<Tests>]
let tests =
    testList "data identity" [
        testCase "the name of a single file does not count, those of several do"
        <| fun () ->
            Expect.equal (identity [ file "a" '1' ]).Short (identity [ file "b" '1' ]).Short "one file, moved"
            Expect.notEqual (identity [ file "a" '1' ]).Short (identity [ file "a" '2' ]).Short "one file, changed"

            Expect.equal
                (identity [ file "a" '1'; file "b" '2' ]).Short
                (identity [ file "b" '2'; file "a" '1' ]).Short
                "two files in another order"

            Expect.notEqual
                (identity [ file "a" '1'; file "b" '2' ]).Short
                (identity [ file "a" '2'; file "b" '1' ]).Short
                "two files that exchanged their contents"

        testCase "the difference names what changed, and nothing else"
        <| fun () ->
            let earlier = identity [ file "train" '1'; file "test" '2' ]
            let now = identity [ file "train" '1'; file "test" '3' ]
            Expect.isNull (earlier.DifferenceFrom earlier) "the same"
            let said = now.DifferenceFrom earlier

            Expect.stringContains
                said
                "test (10 bytes, SHA-256 222222222222…), now test (10 bytes, SHA-256 333333333333…)"
                "both"

            Expect.isFalse (said.Contains "train") $"what is the same: {said}"

        testProperty "any change of any number of a tensor is another identity, and JSON keeps it"
        <| Prop.forAll (Arb.fromGen places) (fun (count, place) ->
            scoped
            <| fun () ->
                let values = Array.init (2 * count) float32
                let classes = Array.init count int64
                use one = splits values classes
                use same = splits (Array.copy values) (Array.copy classes)
                Expect.equal one.Identity.Short same.Identity.Short "equal numbers"

                if place < values.Length then
                    values[place] <- System.MathF.BitIncrement values[place]
                else
                    classes[place - values.Length] <- -1L

                use other = splits values classes
                Expect.notEqual one.Identity.Short other.Identity.Short "another number"
                let read = DataIdentity.Parse(one.Identity.ToJson())
                Expect.equal read.Short one.Identity.Short "read back"
                Expect.isTrue read.AreDrawn "numbers, not files")

        testInDirectory "three files of a text are the same data in a folder and in an archive"
        <| fun directory ->
            let files = [
                for part in [ "train"; "valid"; "test" ] ->
                    $"a.{part}.txt", Text.Encoding.UTF8.GetBytes $"some words to {part}"
            ]

            for name, bytes in files do
                File.WriteAllBytes(Path.Combine(directory, name), bytes)

            let archive = Path.Combine(directory, "a.tgz")
            writeTarGz archive [ for name, bytes in files -> $"texts/{name}", bytes ]
            let packed, plain = TextFiles.Read archive, TextFiles.Read directory
            Expect.equal packed.Identity.Short plain.Identity.Short "the same words"
            Expect.notEqual packed.Files[0].Sha256 plain.Files[0].Sha256 "of other files"

        testCase "what is no identity is none"
        <| fun () ->
            for text in [ ""; "{}"; "[]"; "null"; "{\"Parts\":3}" ] do
                Expect.isNull (box (DataIdentity.Parse text)) text
    ]
