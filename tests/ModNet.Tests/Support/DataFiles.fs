namespace ModNet.Tests

open System
open System.Buffers.Binary
open System.Formats.Tar
open System.IO
open System.IO.Compression

/// Small files in the formats that data come in.
[<AutoOpen>]
module DataFiles =

    let write (directory: string) (name: string) (text: string) =
        let path = Path.Combine(directory, name)
        File.WriteAllText(path, text)
        path

    let gzip (bytes: byte[]) =
        use target = new MemoryStream()

        do
            use packed = new GZipStream(target, CompressionLevel.Optimal)
            packed.Write bytes

        target.ToArray()

    /// An empty content, packed, of which .NET makes no file at all: a header, an empty block, and zeros for its checksum and length.
    let gzipOfNothing =
        Array.concat [ [| 0x1Fuy; 0x8Buy; 8uy; 0uy; 0uy; 0uy; 0uy; 0uy; 0uy; 3uy; 3uy; 0uy |]; Array.zeroCreate 8 ]

    /// An idx file of bytes: its header says these dimensions, whatever follows.
    let idx (shape: int list) (values: byte[]) =
        let number (n: int) =
            let bytes: byte[] = Array.zeroCreate 4
            BinaryPrimitives.WriteInt32BigEndian(Span bytes, n)
            bytes

        Array.concat [ [| 0uy; 0uy; 8uy; byte shape.Length |]; yield! List.map number shape; values ]

    /// Labels that go round the classes, and images whose brightness is their label's: easy to learn.
    let digits (count: int) =
        let labels = [| for i in 0 .. count - 1 -> byte (i % 10) |]

        let pixels = [|
            for label in labels do
                for row in 0..27 do
                    for column in 0..27 -> if row / 3 = int label then 250uy else byte (column % 7)
        |]

        pixels, labels

    /// MNIST's four files, with few images.
    let writeMnist (directory: string) (suffix: string) (train: int) (test: int) =
        for part, count in [ "train", train; "t10k", test ] do
            let pixels, labels = digits count
            let pack = if suffix.EndsWith ".gz" then gzip else id

            let save kind dimensions bytes =
                let separator = if suffix.StartsWith "." then "." else "-"
                let name = $"{part}-{kind}{separator}idx{dimensions}-ubyte"
                let name = if suffix.EndsWith ".gz" then name + ".gz" else name
                File.WriteAllBytes(Path.Combine(directory, name), pack bytes)

            save "images" 3 (idx [ count; 28; 28 ] pixels)
            save "labels" 1 (idx [ count ] labels)

    /// A file of CIFAR-10's binary version: image i of class i mod 10, all of whose red is its class · 20, green i, blue 7.
    let cifarBatch (first: int) (count: int) =
        Array.concat [
            for i in first .. first + count - 1 do
                [| byte (i % 10) |]
                Array.replicate 1024 (byte (i % 10 * 20))
                Array.replicate 1024 (byte i)
                Array.replicate 1024 7uy
        ]

    /// CIFAR-10's six files by name, with so many images each.
    let cifarFiles (perFile: int) = [
        for i in 0..4 do
            yield $"data_batch_{i + 1}.bin", cifarBatch (i * perFile) perFile

        yield "test_batch.bin", cifarBatch 0 perFile
    ]

    /// An archive of named files, in a format of tar.
    let tarOf (format: TarEntryFormat) (files: (string * byte[]) list) : byte[] =
        use target = new MemoryStream()

        do
            use archive = new TarWriter(target, format, true)

            for name, bytes in files do
                let content = new MemoryStream(bytes)

                let entry: TarEntry =
                    match format with
                    | TarEntryFormat.V7 -> V7TarEntry(TarEntryType.V7RegularFile, name, DataStream = content)
                    | TarEntryFormat.Ustar -> UstarTarEntry(TarEntryType.RegularFile, name, DataStream = content)
                    | TarEntryFormat.Gnu -> GnuTarEntry(TarEntryType.RegularFile, name, DataStream = content)
                    | _ -> PaxTarEntry(TarEntryType.RegularFile, name, DataStream = content)

                archive.WriteEntry entry

        target.ToArray()

    /// An archive of named files, as `tar czf` makes it.
    let writeTarGz (path: string) (files: (string * byte[]) list) =
        File.WriteAllBytes(path, gzip (tarOf TarEntryFormat.Pax files))
