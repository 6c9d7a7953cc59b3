module ModNet.Tests.DataTests

open System
open System.Formats.Tar
open System.IO
open System.Text.Json.Nodes
open Expecto
open ModNet.Runtime
open TorchSharp

/// Penn Treebank as Mikolov's archive has it, small: as words, and as characters.
let private mikolov = [
    for part, words in [ "train", "no it was n't"; "valid", "it was"; "test", "was it" ] do
        yield $"ptb.{part}.txt", $" {words} \n"
        yield $"ptb.char.{part}.txt", String.Join(' ', words.Replace(' ', '_').ToCharArray()) + "\n"
]

let private isMikolov (corpus: TextCorpus) =
    let words (ids: int[]) = [ for id in ids -> corpus.Vocabulary.Words[id] ]
    Expect.equal (words corpus.Train) [ "no"; "it"; "was"; "n't"; "<eos>" ] "training text"
    Expect.equal (words corpus.Validation) [ "it"; "was"; "<eos>" ] "validation text"
    Expect.equal (words corpus.Test) [ "was"; "it"; "<eos>" ] "test text"

[<Tests>]
let text =
    testList "text" [
        testInDirectory "a directory of three files becomes windows with the next words as targets"
        <| fun directory ->
            write directory "x.train.txt" " a b a \n a c\n" |> ignore
            write directory "x.valid.txt" "a zebra\n" |> ignore
            write directory "x.test.txt" "c\n" |> ignore
            let corpus = TextCorpus.Load directory
            // Frequencies: a 3, <eos> 2, b 1, c 1, <unk> 0.
            Expect.equal (List.ofSeq corpus.Vocabulary.Words) [ "a"; "<eos>"; "b"; "c"; "<unk>" ] "words"
            Expect.equal corpus.Train [| 0; 2; 0; 1; 0; 3; 1 |] "a line ends with <eos>"
            Expect.equal corpus.Validation [| 0; 4; 1 |] "an unknown word is <unk>"
            use splits = corpus.Windows 3
            Expect.equal (integers splits.Train.Inputs) [| 0; 2; 0; 1; 0; 3 |] "inputs"
            Expect.equal (integers splits.Train.Targets) [| 2; 0; 1; 0; 3; 1 |] "targets"
            Expect.equal (integers splits.Validation[0].Targets) [| 4; 1 |] "a short rest is a window of its own"

        testInDirectory "held-out text is scored to its last word"
        <| fun directory ->
            for part in [ "train"; "valid"; "test" ] do
                write directory $"x.{part}.txt" (String.replicate 23 "a b c\n") |> ignore

            use splits = (TextCorpus.Load directory).Windows 10
            let words = splits.Validation |> Seq.sumBy (fun part -> part.Targets.numel ())
            Expect.equal words (23L * 4L - 1L) "every word but the first"

        testInDirectory "a single file is split 90/5/5 by lines"
        <| fun directory ->
            let path = write directory "book.txt" (String.concat "\n" [ for i in 1..100 -> $"w{i}" ])

            let corpus = TextCorpus.Load path

            Expect.equal
                (corpus.Train.Length, corpus.Validation.Length, corpus.Test.Length)
                (180, 10, 10)
                "words and line ends"

        testInDirectory "a limited vocabulary keeps the most frequent words"
        <| fun directory ->
            let path = write directory "book.txt" (String.replicate 20 "a a b\nc\na b\n")
            let corpus = TextCorpus.Load(path, Nullable 4)
            Expect.equal corpus.Vocabulary.Size 4 "size"
            Expect.equal (Set corpus.Vocabulary.Words) (Set [ "a"; "b"; "<unk>"; "<eos>" ]) "words"

            complains (fun () -> TextCorpus.Load(path, Nullable 9) |> ignore) [ "vocabulary of 3 to 5 words"; "got 9" ]

        for name, place, given in
            [
                "the folder itself", "", ""
                "its folder data", "data", ""
                "Mikolov's folder", "simple-examples/data", "simple-examples"
                "the folder above it", "simple-examples/data", ""
            ] do
            testInDirectory $"Mikolov's text is found in {name}, beside that of characters"
            <| fun directory ->
                let folder = Directory.CreateDirectory(Path.Combine(directory, place)).FullName

                for file, text in mikolov do
                    write folder file text |> ignore

                isMikolov (TextCorpus.Load(Path.Combine(directory, given)))

        for format in [ TarEntryFormat.Ustar; TarEntryFormat.Pax; TarEntryFormat.Gnu ] do
            for prefix in [ "./simple-examples/data/"; "simple-examples/data/"; String.replicate 12 "folder-name/" ] do
                testInDirectory $"Mikolov's text is found in an archive of format {format}, in {prefix}"
                <| fun directory ->
                    let entries = [
                        yield prefix + "README", "read me"B

                        for file, text in mikolov do
                            yield prefix + file, Text.Encoding.UTF8.GetBytes text
                            // What a Mac's archiver puts beside each file.
                            yield prefix + "._" + file, [| 0uy; 5uy; 22uy; 7uy |]
                    ]

                    let path = Path.Combine(directory, "simple-examples.tgz")
                    File.WriteAllBytes(path, gzip (tarOf format entries))
                    let corpus = TextCorpus.Load path
                    isMikolov corpus
                    Expect.equal (List.ofSeq corpus.Files) [ DataFile.Of path ] "the archive is what was read"
                    isMikolov (TextCorpus.Load directory)

        testInDirectory "an archive with two texts, none, or damage is refused"
        <| fun directory ->
            let path = Path.Combine(directory, "x.tgz")

            let said (files: (string * byte[]) list) (change: byte[] -> byte[]) =
                File.WriteAllBytes(path, change (gzip (tarOf TarEntryFormat.Pax files)))
                (complaint (fun () -> TextCorpus.Load path |> ignore)).Replace(path, "FILE")

            let texts = [ for file, text in mikolov -> file, Text.Encoding.UTF8.GetBytes text ]

            Expect.equal
                (said
                    [
                        for folder in [ "a/"; "b/" ] do
                            for file, text in texts -> folder + file, text
                    ]
                    id)
                "FILE: expected an archive with one file *.train.txt, one *.valid.txt and one *.test.txt, in one folder, got such files in 2 folders, `a/`, `b/` – unpack it, and give one of the folders"
                "two"

            Expect.stringContains (said [ "a.txt", "words"B ] id) "in one folder, got none – name the files like" "none"

            Expect.stringContains
                (said (List.tail texts) id)
                "FILE: expected one file *.valid.txt, got 2: ptb.valid.txt, ptb.char.valid.txt"
                "not the text of characters for one part, and the other for the rest"

            Expect.stringContains
                (said texts (fun packed -> packed[.. packed.Length - 2]))
                "a packed file that ends too early"
                "cut"

            Expect.stringContains
                (said [ yield! texts; "ptb.train.txt", [| 0xE9uy |] ] id)
                "FILE, ptb.train.txt, line 1, byte offset 0: expected text in UTF-8, got byte 0xE9"
                "Latin-1"

            File.WriteAllBytes(path, gzip "a text\nthat is\npacked\nalone\n"B)

            Expect.stringContains
                (complaint (fun () -> TextCorpus.Load path |> ignore))
                "unpack it first"
                "a text that is packed alone"

        testInDirectory "two texts in one folder are refused, unless one's name begins the other's"
        <| fun directory ->
            for name in [ "a"; "b" ] do
                for part in [ "train"; "valid"; "test" ] do
                    write directory $"{name}.{part}.txt" "a b c\n" |> ignore

            complains (fun () -> TextCorpus.Load directory |> ignore) [
                $"{directory}: expected one file *.train.txt, got 2: a.train.txt, b.train.txt"
            ]

        testInDirectory "what cannot be read is said, with a remedy"
        <| fun directory ->
            let missing = Path.Combine(directory, "nowhere")
            complains (fun () -> TextCorpus.Load missing |> ignore) [ missing; "nothing at that path"; "--data" ]
            complains (fun () -> TextCorpus.Load directory |> ignore) [ "one file *.train.txt"; "none" ]
            let empty = write directory "empty.txt" ""
            complains (fun () -> TextCorpus.Load empty |> ignore) [ empty; "empty file" ]
            let short = write directory "short.txt" "one line"
            complains (fun () -> TextCorpus.Load short |> ignore) [ "at least 3 lines" ]
            let few = write directory "few.txt" "a\nb\nc\nd\n"

            complains (fun () -> (TextCorpus.Load few).Windows 35 |> ignore) [ "training text"; "more than 35 words" ]
    ]

[<Tests>]
let toy =
    testList "toy regression" [
        testScoped "R rotates, S scales, and targets are theirs by component"
        <| fun () ->
            for dimensions in [ 2; 3 ] do
                use problem = new ToyRegression(dimensions, 4.0, 0.5, generator dimensions)
                let r = problem.Rotation
                let identity = torch.eye (int64 dimensions, dtype = torch.ScalarType.Float64)
                Expect.isLessThan (distance (r.matmul (r.t ())) identity) 1e-12 "R is orthogonal"
                let points = problem.Draw 500
                let inputs, targets = matrix points.Data.Inputs, matrix points.Data.Targets
                let maps = [| matrix r; matrix problem.Scaling |]

                for n in 0..499 do
                    let expected = ModNet.Reference.Linear.Apply(maps[points.Components[n]], null, inputs[n])

                    for e, a in Array.zip expected targets[n] do
                        Expect.isLessThan (abs (e - a)) 1e-5 $"datapoint {n}"

        testScoped "the components lie as far apart as asked, and as wide"
        <| fun () ->
            use problem = new ToyRegression(2, 6.0, 0.25, generator 1)
            let points = problem.Draw 4000
            let inputs = matrix points.Data.Inputs

            let cloud c = Array.zip points.Components inputs |> Array.filter (fst >> (=) c) |> Array.map snd

            let mean c axis = cloud c |> Array.averageBy (Array.item axis)

            let apart = sqrt ((mean 0 0 - mean 1 0) ** 2.0 + (mean 0 1 - mean 1 1) ** 2.0)
            Expect.isLessThan (abs (apart - 6.0)) 0.05 "separation"

            let spread c axis =
                let m = mean c axis
                sqrt (cloud c |> Array.averageBy (fun x -> (x[axis] - m) ** 2.0))

            for c in 0..1 do
                for axis in 0..1 do
                    Expect.isLessThan (abs (spread c axis - 0.25)) 0.02 "spread"
    ]

/// Reads a sealed safetensors file by the format's own words; the seal is SHA-256 of the file with zeros in its own place.
let private independently (path: string) =
    let bytes = File.ReadAllBytes path
    let length = int (BitConverter.ToUInt64(bytes, 0))
    let header = JsonNode.Parse(ReadOnlySpan(bytes, 8, length)).AsObject()
    let seal = header["__metadata__"].["sha256"].GetValue<string>()

    let at = Text.Encoding.Latin1.GetString(bytes).IndexOf(seal, StringComparison.Ordinal)

    let blank = Array.concat [ bytes[.. at - 1]; Array.create 64 (byte '0'); bytes[at + 64 ..] ]

    Expect.equal (Convert.ToHexStringLower(Security.Cryptography.SHA256.HashData blank)) seal "the seal"
    PlainFiles.tensors path

[<Tests>]
let checkpoints =
    testList "safetensors" [
        testInDirectory "what is written is read back, and by an independent reader"
        <| fun directory ->
            scoped
            <| fun () ->
                let path = Path.Combine(directory, "x.safetensors")
                let weight = (normal 1 [ 3; 2 ]).to_type torch.ScalarType.Float32
                let table = (indices 2 200 4 5).to_type torch.ScalarType.Byte

                Safetensors.Write(
                    path,
                    dict [ "b.weight", weight; "a", table ] |> System.Collections.Generic.Dictionary
                )

                let read = Safetensors.Read path
                Expect.equal (numbers read["b.weight"]) (numbers weight) "weight"
                Expect.equal (numbers read["a"]) (numbers table) "table"

                match independently path with
                | [ "a", "U8", [ 4L; 5L ], a; "b.weight", "F32", [ 3L; 2L ], b ] ->
                    Expect.equal (a |> Array.map float) (numbers table) "bytes"

                    Expect.equal
                        [| for i in 0..5 -> float (BitConverter.ToSingle(b, 4 * i)) |]
                        (numbers weight)
                        "floats"
                | other -> failtest $"unexpected entries {other |> List.map (fun (n, t, s, _) -> n, t, s)}"

        testInDirectory "files that are not safetensors are refused"
        <| fun directory ->
            for name, content in
                [
                    "short", [| 1uy; 2uy |]
                    "lying", Array.append (BitConverter.GetBytes 9_000_000_000_000UL) [| 0uy |]
                    "text", Array.append (BitConverter.GetBytes 4UL) "nope"B
                    "outside",
                    Array.append
                        (BitConverter.GetBytes 56UL)
                        ("""{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}  """B)
                ] do
                let path = Path.Combine(directory, name)
                File.WriteAllBytes(path, content)
                complains (fun () -> Safetensors.Read path |> ignore) [ path; "a safetensors file" ]
    ]
