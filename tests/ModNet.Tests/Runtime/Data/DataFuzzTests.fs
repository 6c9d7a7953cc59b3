/// Data files and what is wrong with them, by the thousand.
module ModNet.Tests.DataFuzzTests

open System
open System.IO
open System.IO.Compression
open System.Text
open Expecto
open ModNet.Runtime
open ModNet.Tests.Mutations
open TorchSharp

let private finite (data: DataSplits) =
    for part in Seq.concat [ Seq.singleton data.Train; data.Validation; data.Test ] do
        Expect.equal part.Inputs.shape[0] part.Targets.shape[0] "a target for every input"
        // As they are fetched: images are numbers only then.
        let batch = part.Range(0L, part.Count)

        for values in [ batch.Inputs; batch.Targets ] do
            if values.is_floating_point () then Expect.isTrue (values.isfinite().all().ToBoolean()) "finite"

let private someText =
    String.concat "\n" [ for i in 1..30 -> String.concat " " [ for j in 1..6 -> $"word{(i * j) % 11}" ] ]

let private words (file: string) =
    let corpus = TextCorpus.Load file
    let lines = PlainFiles.words file
    let held = max 1 (lines.Length / 20)
    let train, rest = List.splitAt (lines.Length - 2 * held) lines
    let validation, test = List.splitAt held rest
    let known = Set(List.concat train @ [ "<unk>"; "<eos>" ])
    Expect.equal (Set corpus.Vocabulary.Words) known "the words of the training text"

    for ids, lines in [ corpus.Train, train; corpus.Validation, validation; corpus.Test, test ] do
        let expected = [
            for line in lines do
                for word in line do
                    if known.Contains word then word else "<unk>"

                "<eos>"
        ]

        Expect.equal [ for id in ids -> corpus.Vocabulary.Words[id] ] expected "word by word"

    use splits = corpus.Windows 5
    finite splits

let private someCsv =
    String.concat "\n" [
        "a,\"b, with a comma\",task,label"
        for i in 1..12 do
            $"{float i * 0.5},\"{-i}\",t{i % 2},class {i % 3}"
    ]

/// Whatever is accepted are whole numbers of rows, and labels that the run's data had.
let private askCsv (hasHeader: bool) (path: string) =
    let names = if hasHeader then [| "a"; "b, with a comma"; "task"; "label" |] else [| "1"; "2"; "3"; "4" |]
    let layout = CsvLayout(Targets = [| names[3] |], Classes = Nullable 3, Task = names[2], Header = hasHeader)

    let preparation =
        Preparation(
            DataIdentity [||],
            Columns = names[..1],
            Classes = [| "class 0"; "class 1"; "class 2" |],
            Tasks = [| "t0"; "t1" |]
        )

    use asked = CsvQuestions.Load(path, layout, preparation)
    Expect.equal asked.Inputs.shape [| asked.Count; 2L |] "rows of two features"
    Expect.all (numbers asked.Inputs) Double.IsFinite "finite numbers"
    Expect.all (integers asked.Side.Tasks) (fun id -> id = 0 || id = 1) "known tasks"
    Expect.hasLength (integers asked.Side.Tasks) (int asked.Count) "a task for each row"

    if not (isNull asked.Targets) then
        Expect.all (integers asked.Targets) (fun label -> label >= 0 && label < 3) "known classes"
        Expect.hasLength (integers asked.Targets) (int asked.Count) "a class for each row"

let private csvWords = [|
    ","
    "\""
    "\"\""
    ";"
    "\t"
    "\r"
    "\r\n"
    "\n"
    " "
    "a"
    "label"
    "\u0000"
    "\uFEFF"
    "é"
|]

let private csvLayouts = [
    CsvLayout(Targets = [| "label" |], Classes = Nullable 3, Task = "task")
    CsvLayout(Targets = [| "a" |], Features = [| "b, with a comma" |])
    CsvLayout(Targets = [| "1" |], Features = [| "2" |], Header = false)
]

/// Every value as a plain reader finds it.
let private asPlainly (file: string) (layout: CsvLayout) =
    use data = CsvFile.Load(file, layout, 0.0, 0.0, false, 1L)

    match PlainFiles.csv ',' file with
    | None -> failtest "quotes that are not around the whole of a value are refused"
    | Some rows ->
        let names, rows =
            if layout.Header then rows.Head, rows.Tail else [ for i in 1 .. rows.Head.Length -> string i ], rows

        let column name = List.findIndex ((=) name) names
        let targets = [ for name in layout.Targets -> column name ]
        let task = Option.ofObj layout.Task |> Option.map column

        let features =
            match layout.Features with
            | null -> [ 0 .. names.Length - 1 ] |> List.except (targets @ Option.toList task)
            | features -> [ for name in features -> column name ]

        let number (text: string) =
            Double.Parse(text, Globalization.NumberStyles.Float, Globalization.CultureInfo.InvariantCulture)
            |> float32
            |> float

        let numbersOf columns = [| for row: string list in rows -> [| for column in columns -> number row[column] |] |]

        let train = data.Splits.Train
        Expect.equal (matrix train.Inputs) (numbersOf features) "x"

        if layout.Classes.HasValue then
            let labels = [ for c in integers train.Targets -> data.Classes[c] ]
            Expect.equal labels [ for row in rows -> row[targets.Head] ] "labels"
        else
            Expect.equal (matrix train.Targets) (numbersOf targets) "y"

        for column in Option.toList task do
            let tasks = [ for t in integers train.Side.Tasks -> data.Tasks[t] ]
            Expect.equal tasks [ for row in rows -> row[column] ] "tasks"

/// Refused where no layout fits.
let private loadCsv (file: string) =
    let refusals =
        csvLayouts
        |> List.choose (fun layout ->
            try
                use data = CsvFile.Load(file, layout, 0.2, 0.2, true, 1L)
                finite data.Splits
                asPlainly file layout
                None
            with :? UserException as refusal ->
                Some refusal)

    if refusals.Length = csvLayouts.Length then raise (List.last refusals)

/// Labels and pixels of images, in order.
let private stored (part: Dataset) =
    let size = int (part.Inputs.numel () / part.Count)

    let pixels = part.Inputs.contiguous().data<byte>().ToArray() |> Array.chunkBySize size

    [ for label, pixels in Seq.zip (integers part.Targets) pixels -> label, Convert.ToHexString pixels ]

/// All images are those of the files; what is held out is drawn from those to train on.
let private areImages (data: DataSplits) (train: (int * string) list) (test: (int * string) list) =
    finite data
    Expect.equal (List.sort (stored data.Train @ stored data.Validation[0])) (List.sort train) "images to train on"
    Expect.equal (stored data.Test[0]) test "images to test"

let private mnist = [
    for part, count in [ "train", 5; "t10k", 3 ] do
        let pixels, labels = digits count
        $"{part}-images-idx3-ubyte", idx [ count; 28; 28 ] pixels
        $"{part}-labels-idx1-ubyte", idx [ count ] labels
]

/// One of MNIST's files is changed: as it lies there, packed, or before it is packed.
let private mutateMnist (random: Random) (directory: string) =
    let changed = random.Next mnist.Length

    for i in 0 .. mnist.Length - 1 do
        let name, bytes = mnist[i]

        match i = changed, random.Next 4 with
        | false, _ -> put directory name bytes
        | true, 0 -> put directory name (ofBytes random bytes)
        | true, 1 -> put directory $"{name}.gz" (ofBytes random (gzip bytes))
        | true, 2 -> put directory $"{name}.gz" (ofPackedEnd random (gzip bytes))
        | true, _ -> put directory $"{name}.gz" (gzip (ofBytes random bytes))

let private loadMnist directory =
    use data = Mnist.Load(directory, 1L, true, 1L)

    let images (part: string) =
        let file (kind: string) (header: int) =
            (PlainFiles.bytes (Directory.GetFiles(directory, $"{part}-{kind}*") |> Array.exactlyOne))[header..]

        let pixels = file "images" 16 |> Array.chunkBySize (28 * 28)

        [ for label, pixels in Seq.zip (file "labels" 8) pixels -> int label, Convert.ToHexString pixels ]

    areImages data.Splits (images "train") (images "t10k")

let private cifar = cifarFiles 1

let private mutateCifar (random: Random) (directory: string) =
    let changed = random.Next cifar.Length

    for i in 0 .. cifar.Length - 1 do
        let name, bytes = cifar[i]
        put directory name (if i = changed then ofBytes random bytes else bytes)

let private loadCifar (path: string) (files: unit -> Map<string, byte[]>) =
    use data = Cifar10.Load(path, 1L, true, 1L)
    let files = files ()

    let images (name: string) = [
        for image in Array.chunkBySize 3073 files[name] -> int image[0], Convert.ToHexString image[1..]
    ]

    areImages data.Splits (List.collect images [ for i in 1..5 -> $"data_batch_{i}.bin" ]) (images "test_batch.bin")

let private archive =
    lazy
        (let path = Path.GetTempFileName()
         writeTarGz path (cifar |> List.map (fun (name, bytes) -> "cifar-10-batches-bin/" + name, bytes))
         let bytes = File.ReadAllBytes path
         File.Delete path
         use unpacked = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress)
         use target = new MemoryStream()
         unpacked.CopyTo target
         bytes, target.ToArray())

/// Fields of a tar header, and what they may lie with; the header's own checksum is then made right.
let private lieInTar (random: Random) (tar: byte[]) =
    let copy = Array.copy tar
    // Headers lie at multiples of 512; those of data are 512 + 3,584 apart, with a pax header before each.
    let headers = [|
        for at in 0..512 .. copy.Length - 512 do
            if copy[at + 257 .. at + 261] = "ustar"B then at
    |]

    let at = headers[random.Next headers.Length]

    let field (offset: int) (length: int) (value: string) =
        let bytes = Encoding.ASCII.GetBytes(value.PadRight(length, '\000'))
        Array.blit bytes 0 copy (at + offset) length

    match random.Next 5 with
    | 0 ->
        let escapes = [| "../../evil"; "/etc/evil"; "../data_batch_1.bin"; "a/../../test_batch.bin"; ".." |]

        field 0 100 escapes[random.Next escapes.Length]
    | 1 ->
        let sizes = [| "77777777777"; "17777777777"; "00000000000"; "-0000000001"; "99999999999"; "00000006001" |]

        field 124 12 sizes[random.Next sizes.Length]
    | 2 ->
        let types = "01234567xgLKSVXA"B
        copy[at + 156] <- types[random.Next types.Length]
    | 3 -> copy[at + 124] <- 0x80uy
    | _ -> field (random.Next 345) 8 "7777777"

    field 148 8 "        "
    let sum = Array.sumBy int copy[at .. at + 511]
    field 148 8 (Convert.ToString(sum, 8).PadLeft(6, '0') + "\000 ")
    copy

let private mutateArchive (random: Random) (directory: string) =
    let packed, tar = archive.Value

    let changed =
        match random.Next 4 with
        | 0 -> ofBytes random packed
        | 1 -> ofPackedEnd random packed
        | 2 -> gzip (ofBytes random tar)
        | _ -> gzip (lieInTar random tar)

    put directory "cifar-10-binary.tar.gz" changed

[<Tests>]
let tests =
    testSequenced
    <| testList "fuzzing" [
        tries
            "text"
            (1_500 * times)
            (fun random directory ->
                put directory "x.txt" (ofText [| " "; "\n"; "\r"; "\u0000"; "\u2028"; "word1"; "é" |] random someText))
            (fun directory -> words (Path.Combine(directory, "x.txt")))

        tries
            "CSV"
            (2_000 * times)
            (fun random directory -> put directory "x.csv" (ofText csvWords random someCsv))
            (fun directory -> loadCsv (Path.Combine(directory, "x.csv")))

        for hasHeader in [ true; false ] do
            tries
                $"""CSV rows to be predicted, {(if hasHeader then "with" else "without")} a header"""
                (500 * times)
                (fun random directory ->
                    let text = if hasHeader then someCsv else someCsv.Substring(someCsv.IndexOf '\n' + 1)
                    put directory "x.csv" (ofText csvWords random text))
                (fun directory -> askCsv hasHeader (Path.Combine(directory, "x.csv")))

        tries "idx, packed and not" (1_500 * times) mutateMnist loadMnist

        tries "CIFAR-10's files" (500 * times) mutateCifar (fun directory ->
            loadCifar directory (fun () ->
                Map [ for file in Directory.GetFiles directory -> Path.GetFileName file, PlainFiles.bytes file ]))

        // .NET's reader asks for as much memory as a header of long names claims, and writes to what there is.
        triesTaking (2L <<< 30) "CIFAR-10's archive" (1_500 * times) mutateArchive (fun directory ->
            let path = Path.Combine(directory, "cifar-10-binary.tar.gz")
            loadCifar path (fun () -> PlainFiles.tarred (PlainFiles.bytes path)))
    ]
