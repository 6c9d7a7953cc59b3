module ModNet.Tests.ImageDataTests

open System.Formats.Tar
open System.IO
open Expecto
open ModNet.Runtime
open TorchSharp

let private all (data: Dataset) = data.Get(torch.arange data.Count)

let private mnist directory = Mnist.Load(directory, 0L, false, 1L)

/// Files that are MNIST's but for one, and what is said of it.
let private refuses name file (bytes: byte[]) parts =
    testInDirectory name
    <| fun directory ->
        writeMnist directory "" 20 10
        File.WriteAllBytes(Path.Combine(directory, file), bytes)
        complains (fun () -> (mnist directory).Dispose()) (file :: parts)

[<Tests>]
let mnistTests =
    testList "MNIST" [
        for suffix in [ ""; "."; ".gz"; "-.gz" ] do
            testInDirectory $"files as they are downloaded, spelling {suffix}"
            <| fun directory ->
                scoped
                <| fun () ->
                    writeMnist directory suffix 30 10
                    use data = mnist directory
                    let pixels, labels = digits 30
                    let batch = all data.Splits.Train
                    Expect.equal batch.Inputs.shape [| 30L; 1L; 28L; 28L |] "shape"
                    Expect.equal batch.Inputs.dtype torch.ScalarType.Float32 "dtype"
                    Expect.equal (integers batch.Targets) (labels |> Array.map int) "labels"

                    for seen, byte in Array.zip (numbers batch.Inputs) pixels do
                        Expect.isLessThan (abs (seen - float byte / 255.0)) 1e-6 "pixel"

                    Expect.isEmpty data.Splits.Validation "nothing held out"
                    Expect.equal data.Splits.Test[0].Count 10L "test"
                    Expect.hasLength (List.ofSeq data.Files) 4 "files"

        testInDirectory "held-out images come out of the training set, every image once"
        <| fun directory ->
            scoped
            <| fun () ->
                writeMnist directory "" 30 10

                let labels seed =
                    use data = Mnist.Load(directory, 12L, false, seed)

                    [ data.Splits.Train; data.Splits.Validation[0] ]
                    |> List.map (fun d -> integers d.Targets |> List.ofArray)

                let first = labels 1L
                Expect.equal (first |> List.map List.length) [ 18; 12 ] "counts"

                Expect.equal
                    (first |> List.concat |> List.countBy id |> List.sort)
                    [ for c in 0..9 -> c, 3 ]
                    "every image once"

                Expect.equal (labels 1L) first "the same seed"
                Expect.notEqual (labels 2L) first "another"

                complains (fun () -> Mnist.Load(directory, 30L, false, 1L).Dispose()) [
                    "fewer than 30 images held out"
                    "got 30"
                ]

        testInDirectory "standardised pixels have mean 0 and deviation 1 over the training images"
        <| fun directory ->
            scoped
            <| fun () ->
                writeMnist directory "" 30 10
                use plain = Mnist.Load(directory, 7L, false, 1L)
                use data = Mnist.Load(directory, 7L, true, 1L)
                let raw = numbers (all plain.Splits.Train).Inputs
                let mean = Array.average raw
                let deviation = raw |> Array.averageBy (fun x -> (x - mean) ** 2.0) |> sqrt

                for part, done' in [ plain.Splits.Train, data.Splits.Train; plain.Splits.Test[0], data.Splits.Test[0] ] do
                    for x, z in Array.zip (numbers (all part).Inputs) (numbers (all done').Inputs) do
                        Expect.isLessThan (abs ((x - mean) / deviation - z)) 1e-4 "standardised"

        testInDirectory "images stay bytes until they are fetched, by index, in order or in part"
        <| fun directory ->
            scoped
            <| fun () ->
                writeMnist directory "" 30 10
                use data = mnist directory
                let train = data.Splits.Train
                Expect.equal train.Inputs.dtype torch.ScalarType.Byte "stored"
                let whole = (all train).Inputs
                Expect.equal (distance (train.Range(4L, 5L)).Inputs (whole.narrow (0, 4L, 5L))) 0.0 "in order"
                let some = torch.tensor [| 7L; 2L; 7L |]
                Expect.equal (distance (train.Get some).Inputs (whole.index_select (0, some))) 0.0 "by index"
                use part = train.Part some
                Expect.equal (distance (all part).Inputs (whole.index_select (0, some))) 0.0 "in part"

        refuses "a header that promises too much" "train-images-idx3-ubyte" (idx [ 60_000; 28; 28 ] [| 1uy |]) [
            "60000 × 28 × 28 values, as its header says"
            "a file of 17 bytes"
        ]

        refuses "more than the header says" "train-labels-idx1-ubyte" (idx [ 2 ] [| 1uy; 2uy; 3uy |]) [ "2 values" ]
        refuses "a header that is cut off" "train-images-idx3-ubyte" [| 0uy; 0uy; 8uy |] [ "an idx header of 16 bytes" ]

        refuses "another type of idx" "train-images-idx3-ubyte" (Array.replicate 20 13uy) [
            "begins with 0D 0D 0D 0D"
            "00 00 08 03"
        ]

        refuses "images of another size" "train-images-idx3-ubyte" (idx [ 20; 2; 3 ] (Array.zeroCreate 120)) [
            "28 × 28"
            "2 × 3"
        ]

        refuses "labels for other images" "train-labels-idx1-ubyte" (idx [ 3 ] [| 1uy; 2uy; 3uy |]) [
            "a label for each of 20 images, got 3"
        ]

        testInDirectory "a packed header that promises too much takes no memory"
        <| fun directory ->
            writeMnist directory ".gz" 20 10
            let path = Path.Combine(directory, "train-images.idx3-ubyte.gz")

            for shape, said in
                [ [ 2_000_000_000; 1; 1 ], "2000000000"; [ 3; 2; 1 ], "got 1 –"; [ 1; 1; 0 ], "got more" ] do
                File.WriteAllBytes(path, gzip (idx shape [| 1uy |]))
                complains (fun () -> (mnist directory).Dispose()) [ path; said ]

        testInDirectory "a packed file that is cut off, or is none"
        <| fun directory ->
            writeMnist directory ".gz" 20 10
            let path = Path.Combine(directory, "train-images.idx3-ubyte.gz")
            File.WriteAllBytes(path, (File.ReadAllBytes path)[..100])
            complains (fun () -> (mnist directory).Dispose()) [ path ]
            File.WriteAllText(path, "no gzip")
            complains (fun () -> (mnist directory).Dispose()) [ path; "a whole file that can be read" ]

        testInDirectory "labels above nine"
        <| fun directory ->
            writeMnist directory "" 2 1
            File.WriteAllBytes(Path.Combine(directory, "train-labels-idx1-ubyte"), idx [ 2 ] [| 3uy; 10uy |])
            complains (fun () -> (mnist directory).Dispose()) [ "labels from 0 to 9, got 10 at image 2" ]

        testInDirectory "a directory without them, and none"
        <| fun directory ->
            complains (fun () -> (mnist directory).Dispose()) [ directory; "train-images-idx3-ubyte"; "none" ]

            complains (fun () -> (mnist (Path.Combine(directory, "no"))).Dispose()) [ "nothing at that path"; "--data" ]
    ]

let private cifar path = Cifar10.Load(path, 0L, false, 1L)

[<Tests>]
let cifarTests =
    testList "CIFAR-10" [
        for name, save in
            [
                "a directory",
                (fun directory ->
                    for file, bytes in cifarFiles 4 do
                        File.WriteAllBytes(Path.Combine(directory, file), bytes))
                "a directory above it",
                (fun directory ->
                    let inner = Directory.CreateDirectory(Path.Combine(directory, "cifar-10-batches-bin")).FullName

                    for file, bytes in cifarFiles 4 do
                        File.WriteAllBytes(Path.Combine(inner, file), bytes))
                "an archive in a directory",
                (fun directory ->
                    writeTarGz (Path.Combine(directory, "cifar-10-binary.tar.gz")) [
                        for file, bytes in cifarFiles 4 do
                            yield $"../../cifar-10-batches-bin/{file}", bytes

                        yield "cifar-10-batches-bin/readme.html", "no data"B
                    ])
            ] do
            testInDirectory $"is read from {name}"
            <| fun directory ->
                scoped
                <| fun () ->
                    save directory

                    let before = Directory.GetFileSystemEntries(directory, "*", SearchOption.AllDirectories)

                    use data = cifar directory

                    let files = [|
                        for file, bytes in cifarFiles 4 do
                            let checksum =
                                System.Security.Cryptography.SHA256.HashData bytes |> System.Convert.ToHexStringLower

                            DataFile(file, bytes.LongLength, checksum)
                    |]

                    Expect.equal data.Splits.Identity.Short (DataIdentity files).Short "the same data, packed or not"
                    let batch = all data.Splits.Train
                    Expect.equal batch.Inputs.shape [| 20L; 3L; 32L; 32L |] "shape"
                    Expect.equal (integers batch.Targets) [| for i in 0..19 -> i % 10 |] "labels"

                    for i in 0..19 do
                        for c, byte in List.indexed [ i % 10 * 20; i; 7 ] do
                            let plane = batch.Inputs.select(0, int64 i).select(0, int64 c)

                            for value in numbers plane do
                                Expect.isLessThan (abs (value - float byte / 255.0)) 1e-6 $"image {i}, channel {c}"

                    Expect.equal data.Splits.Test[0].Count 4L "test"
                    Expect.equal data.Classes[9] "truck" "classes"

                    Expect.equal
                        (Directory.GetFileSystemEntries(directory, "*", SearchOption.AllDirectories))
                        before
                        "nothing is unpacked"

        for format in [ TarEntryFormat.V7; TarEntryFormat.Ustar; TarEntryFormat.Pax; TarEntryFormat.Gnu ] do
            for folder in
                [
                    ""
                    "./"
                    "./cifar-10-batches-bin/"
                    "a/b/c/"
                    // More than the hundred bytes that the first tar has for a name; each format has its own way with them.
                    if format <> TarEntryFormat.V7 then String.replicate 12 "folder-name/"
                    if format = TarEntryFormat.Pax || format = TarEntryFormat.Gnu then
                        String.replicate 40 "folder-name/"
                        String.replicate 30 "ö" + "/"
                ] do
                testInDirectory $"an archive of format {format} is read whose files lie in `{folder}`"
                <| fun directory ->
                    let path = Path.Combine(directory, "cifar-10-binary.tar.gz")
                    let files = cifarFiles 2
                    let named = [ for name, bytes in files -> folder + name, bytes ]

                    for archive in [ gzip (tarOf format named); tarOf format named ] do
                        File.WriteAllBytes(path, archive)
                        use data = cifar path

                        let expected = [
                            for _, bytes in List.truncate 5 files do
                                for image in Array.chunkBySize 3073 bytes -> image[1..]
                        ]

                        let found =
                            data.Splits.Train.Inputs.contiguous().data<byte>().ToArray() |> Array.chunkBySize 3072

                        Expect.equal (List.ofArray found) expected "every pixel"

        testInDirectory "an archive whose end is cut is refused, however little is missing"
        <| fun directory ->
            let path = Path.Combine(directory, "cifar-10-binary.tar.gz")
            writeTarGz path (cifarFiles 1)
            let packed = File.ReadAllBytes path

            for n in 1..8 do
                File.WriteAllBytes(path, packed[.. packed.Length - 1 - n])

                Expect.equal
                    (complaint (fun () -> (cifar path).Dispose()))
                    $"{path}: expected a whole file that can be read, got a packed file that ends too early – see that it is there, readable and complete"
                    $"{n} bytes"

            File.WriteAllBytes(path, Array.append packed "more"B)
            complains (fun () -> (cifar path).Dispose()) [ "got a packed file with 4 more bytes behind its end" ]

        testInDirectory "each channel is standardised for itself; one without spread becomes 0"
        <| fun directory ->
            scoped
            <| fun () ->
                let path = Path.Combine(directory, "cifar-10-binary.tar.gz")
                writeTarGz path (cifarFiles 4)
                use data = Cifar10.Load(path, 3L, true, 1L)
                Expect.equal data.Splits.Validation[0].Count 3L "held out"
                let inputs = (all data.Splits.Train).Inputs

                for c in 0L .. 1L do
                    let values = numbers (inputs.select (1, c))
                    Expect.isLessThan (abs (Array.average values)) 1e-4 "mean"
                    Expect.isLessThan (abs (values |> Array.averageBy (fun x -> x * x - 1.0))) 1e-3 "variance"

                Expect.isLessThan (numbers (inputs.select (1, 2L)) |> Array.map abs |> Array.max) 1e-5 "no spread"

        testInDirectory "what is missing, too short or no archive is said"
        <| fun directory ->
            let path = Path.Combine(directory, "cifar-10-binary.tar.gz")
            complains (fun () -> (cifar path).Dispose()) [ path; "nothing at that path"; "--data" ]
            writeTarGz path (List.tail (cifarFiles 2))

            complains (fun () -> (cifar path).Dispose()) [
                path
                "data_batch_1.bin, among CIFAR-10's six files, got none"
            ]

            writeTarGz path (("data_batch_1.bin", Array.zeroCreate 3072) :: List.tail (cifarFiles 2))

            complains (fun () -> (cifar path).Dispose()) [ "data_batch_1.bin"; "images of 3073 bytes, got 3072 bytes" ]

            writeTarGz path (cifarFiles 4)
            let whole = File.ReadAllBytes path
            File.WriteAllBytes(path, whole[.. whole.Length / 2])
            complains (fun () -> (cifar path).Dispose()) [ path; "a whole file that can be read" ]
            File.WriteAllText(path, "no archive")
            complains (fun () -> (cifar path).Dispose()) [ path; "a whole file that can be read" ]

        testInDirectory "an archive that is not what was packed, by its checksum, is refused"
        <| fun directory ->
            let path = Path.Combine(directory, "cifar-10-binary.tar.gz")
            writeTarGz path (cifarFiles 4)
            let packed = File.ReadAllBytes path
            // Eight bytes from the end, after all that the archive has: CRC-32 of what was packed.
            let at = packed.Length - 8
            packed[at] <- packed[at] ^^^ 1uy
            File.WriteAllBytes(path, packed)

            complains (fun () -> (cifar path).Dispose()) [
                $"{path}: expected a whole file that can be read, got a damaged packed file, whose content is not that of its checksum – see that it is"
            ]

        testInDirectory "an archive that goes on and on after its end is refused"
        <| fun directory ->
            let path = Path.Combine(directory, "cifar-10-binary.tar.gz")
            writeTarGz path (cifarFiles 1)
            // Packed streams one after the other are one; a million zeros pack into a thousand bytes.
            let zeros = gzip (Array.zeroCreate 1_000_000)
            File.WriteAllBytes(path, Array.concat (File.ReadAllBytes path :: List.replicate 9 zeros))
            (cifar path).Dispose()
            File.WriteAllBytes(path, Array.concat (File.ReadAllBytes path :: List.replicate 60 zeros))
            complains (fun () -> (cifar path).Dispose()) [ path; "a tar archive with more after its end" ]
    ]
