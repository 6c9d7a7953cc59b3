/// What is text and what is none, and where it begins to be none.
module ModNet.Tests.PlainTextTests

open System
open System.IO
open System.Text
open Expecto
open FsCheck.FSharp
open ModNet.Runtime

let private load path = TextCorpus.Load path |> ignore

let private loadCsv path =
    CsvFile.Load(path, CsvLayout(Targets = [| "y" |], Classes = Nullable 2), 0.0, 0.0, false, 1L).Dispose()

/// What any loader of text says of these bytes.
let private refusals (directory: string) (bytes: byte[]) =
    let path = Path.Combine(directory, "x.txt")
    File.WriteAllBytes(path, bytes)

    [
        for loader in [ load; loadCsv; PlainText.Read >> ignore ] ->
            (Mistakes.complaint (fun () -> loader path)).Replace(path, "FILE")
    ]

let private refuses name (bytes: byte[]) (message: string) =
    testInDirectory $"{name} is refused by every loader of text"
    <| fun directory ->
        for refusal in refusals directory bytes do
            Expect.equal refusal message name

let private toUtf8 =
    "convert the file by `iconv -f ENCODING -t UTF-8`, where ENCODING is its own, such as ISO-8859-1"

let private unpack =
    "give a text file: unpack an archive first, and convert UTF-16 by `iconv -f UTF-16LE -t UTF-8`"

/// Texts of many scripts, and where they break.
let private someText =
    Gen.elements [
        "a"
        "word"
        " "
        "\n"
        "\r\n"
        "\r"
        "\t"
        "\012"
        "é"
        "я"
        "語"
        "𝔐"
        "\uFEFF"
        "\u0085"
        "\uFFFD"
    ]
    |> Gen.listOf
    |> Gen.map (String.concat "")

/// Bytes that may be text: a text, with a few bytes changed, or as another encoding has it.
let private someBytes =
    gen {
        let! text = someText
        let utf8 = Encoding.UTF8.GetBytes text
        let! at = Gen.choose (0, max 0 (utf8.Length - 1))
        let! byte = Gen.choose (0, 255)

        let marked (encoding: Encoding) = Array.append (encoding.GetPreamble()) (encoding.GetBytes text)

        return!
            Gen.elements [
                utf8
                (if utf8.Length = 0 then utf8 else Array.updateAt at (byte |> uint8) utf8)
                utf8[.. at - 1]
                marked Encoding.UTF8
                marked Encoding.Unicode
                marked Encoding.BigEndianUnicode
                marked Encoding.UTF32
                (marked Encoding.Unicode)[.. at + 1]
            ]
    }

[<Tests>]
let tests =
    testList "plain text" [
        testPropertyWithConfig
            { FsCheckConfig.defaultConfig with replay = Some(3629UL, 1UL, None); maxTest = 2000 }
            "bytes are the text that a plain reader finds in them, or are refused where it finds none"
        <| Prop.forAll (Arb.fromGen someBytes) (fun bytes ->
            let read =
                try
                    Some(PlainText.Of("x", bytes))
                with :? UserException ->
                    None

            Expect.equal read (PlainFiles.text bytes) $"{Convert.ToHexString bytes}")

        testInDirectory "words that only Latin-1 tells apart are not one word"
        <| fun directory ->
            for refusal in refusals directory (Encoding.Latin1.GetBytes "a,y\n1,café\n2,cafè\n3,cafê\n") do
                Expect.equal
                    refusal
                    $"FILE, line 2, byte offset 9: expected text in UTF-8, got byte 0xE9, which is not UTF-8 – {toUtf8}"
                    "refused"

        // «да нет» and a label, as KOI8-R has them.
        refuses
            "KOI8-R"
            [| yield! "a,y\r\n1,"B; 0xC4uy; 0xC1uy; 0x20uy; 0xCEuy; 0xC5uy; 0xD4uy |]
            $"FILE, line 2, byte offset 7: expected text in UTF-8, got byte 0xC4, which is not UTF-8 – {toUtf8}"

        refuses
            "a character that is cut off"
            (Array.append "a,y\n1,x\n2,caf"B [| 0xC3uy |])
            $"FILE, line 3, byte offset 13: expected text in UTF-8, got byte 0xC3, which is not UTF-8 – {toUtf8}"

        refuses
            "UTF-16 without a mark"
            (Encoding.Unicode.GetBytes "a,y\n1,x\n")
            $"FILE, line 1, byte offset 1: expected plain text, got byte 0x00, which is in no text – {unpack}"

        refuses
            "a control byte after a mark"
            [| 0xEFuy; 0xBBuy; 0xBFuy; yield! "a,y\n1,"B; 0x1Buy |]
            $"FILE, line 2, byte offset 9: expected plain text, got byte 0x1B, which is in no text – {unpack}"

        refuses
            "UTF-16 that is cut off"
            [| 0xFFuy; 0xFEuy; yield! Encoding.Unicode.GetBytes "a,y\n1,x\n"; 0x41uy |]
            "FILE: expected text in UTF-16, as its byte-order mark says, got bytes that are none – save it again, in UTF-8"

        testInDirectory "a byte-order mark is no part of the first word, and names the encoding"
        <| fun directory ->
            for encoding in [ Encoding.UTF8; Encoding.Unicode; Encoding.BigEndianUnicode; Encoding.UTF32 ] do
                let path = Path.Combine(directory, "x.txt")
                File.WriteAllText(path, "café b\nкот b\nc\nd\n", encoding)

                Expect.equal
                    (Set (TextCorpus.Load path).Vocabulary.Words)
                    (Set [ "café"; "b"; "кот"; "<unk>"; "<eos>" ])
                    encoding.EncodingName

                let path = write directory "x.csv" ""
                File.WriteAllText(path, "a,y\n1,café\n2,cafè\n", encoding)

                use data = CsvFile.Load(path, CsvLayout(Targets = [| "y" |], Classes = Nullable 2), 0.0, 0.0, false, 1L)

                Expect.equal (List.ofSeq data.Classes) [ "cafè"; "café" ] encoding.EncodingName
    ]
