/// Packed files, against gzip(1).
module ModNet.Tests.GzipTests

open System
open System.IO
open System.IO.Compression
open Expecto
open FsCheck.FSharp
open ModNet.Runtime

/// None where it is refused as damaged.
let private read (packed: byte[]) : byte[] option =
    try
        use reader = new GzipReader(packed)
        use content = new MemoryStream()
        reader.CopyTo content
        Some(content.ToArray())
    with :? InvalidDataException ->
        None

let private byGzip (packed: byte[]) : byte[] option =
    try
        Some(PlainFiles.gunzip packed)
    with :? InvalidDataException ->
        None

let private agrees (packed: byte[]) =
    let shown = if packed.Length < 400 then Convert.ToHexString packed else $"{packed.Length} bytes"
    Expect.equal (read packed) (byGzip packed) shown

/// A header with a name and more, in the place of the ten bytes that .NET writes.
let private withFields (name: bool) (extra: bool) (packed: byte[]) =
    let flags = (if extra then 4 else 0) ||| (if name then 8 else 0)

    Array.concat [
        packed[..2]
        [| byte flags |]
        packed[4..9]
        if extra then [| 3uy; 0uy; 1uy; 2uy; 3uy |]
        if name then "digits\000"B
        packed[10..]
    ]

let private level =
    Gen.elements [ CompressionLevel.NoCompression; CompressionLevel.Fastest; CompressionLevel.SmallestSize ]

let private some =
    gen {
        let! seed = Gen.choose (0, 1_000_000)
        let! length = Gen.frequency [ 1, Gen.constant 0; 4, Gen.choose (1, 300); 1, Gen.choose (1, 200_000) ]
        let! values = Gen.elements [ 2; 16; 256 ]
        let! level = level
        let! name = Gen.elements [ true; false ]
        let! extra = Gen.elements [ true; false ]
        let random = Random seed
        let content: byte[] = Array.init length (fun _ -> byte (random.Next values))
        use target = new MemoryStream()

        do
            use packed = new GZipStream(target, level, true)
            packed.Write content

        // Of nothing, .NET makes an empty file, and no packed one.
        return if length = 0 then gzipOfNothing else withFields name extra (target.ToArray())
    }

/// Members one after the other, and what is done to their end.
let private file =
    gen {
        let! members = Gen.choose (1, 3)
        let! parts = Gen.listOfLength members some
        let whole = Array.concat parts
        let! cut = Gen.choose (1, 8)
        let! zeros = Gen.choose (1, 2000)
        let! garbage = Gen.choose (1, 20) |> Gen.bind (fun n -> Gen.arrayOfLength n (Gen.choose (0, 255)))
        let! at = Gen.choose (0, whole.Length - 1)
        let! bit = Gen.choose (0, 7)
        let padded = Array.append whole (Array.zeroCreate zeros)
        let garbage = Array.map byte garbage

        return!
            Gen.elements [
                whole
                whole[.. whole.Length - 1 - cut]
                whole[.. at - 1]
                padded
                Array.append whole garbage
                Array.append padded garbage
                Array.append padded parts.Head
                Array.updateAt at (whole[at] ^^^ (1uy <<< bit)) whole
            ]
    }

[<Tests>]
let tests =
    testList "gzip" [
        testPropertyWithConfig
            { FsCheckConfig.defaultConfig with replay = Some(1952UL, 1UL, None); maxTest = 600 }
            "what is read is what gzip(1) reads, and what it refuses is refused"
        <| Prop.forAll (Arb.fromGen file) agrees

        testCase "a trailer that is cut or changed is refused, every byte of it"
        <| fun () ->
            let packed = gzip (Array.init 5000 (fun i -> byte (i % 7)))
            Expect.isSome (read packed) "whole"

            for n in 1..8 do
                Expect.isNone (read packed[.. packed.Length - 1 - n]) $"{n} bytes cut"
                let at = packed.Length - n
                Expect.isNone (read (Array.updateAt at (packed[at] ^^^ 1uy) packed)) $"byte {n} from the end changed"

        testCase "members one after the other are one content, and zeros behind them are padding"
        <| fun () ->
            let packed = Array.concat [ gzip "one "B; gzipOfNothing; gzip "two"B; Array.zeroCreate 512 ]
            Expect.equal (read packed) (Some "one two"B) "both"
            Expect.isNone (read (Array.append packed [| 1uy |])) "garbage"

        testCase "a header with its own checksum is held against it"
        <| fun () ->
            let packed = gzip "one"B
            let header = Array.concat [ packed[..2]; [| 2uy |]; packed[4..9] ]
            let crc = PlainFiles.crc32 header
            let low, high = byte crc, byte (crc >>> 8)
            Expect.equal (read (Array.concat [ header; [| low; high |]; packed[10..] ])) (Some "one"B) "right"
            Expect.isNone (read (Array.concat [ header; [| low; high ^^^ 1uy |]; packed[10..] ])) "wrong"
    ]
