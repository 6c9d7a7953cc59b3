/// Texts that are read as characters.
module ModNet.Tests.CharacterTests

open System
open System.IO
open System.Text
open Expecto
open FsCheck.FSharp
open ModNet.Runtime

let private config = { FsCheckConfig.defaultConfig with replay = Some(20261130UL, 29UL, None) }

/// Letters, white space, line ends, surrogate pairs, combining marks, what a text never has, and tokens' own names.
let private texts =
    Gen.elements [
        "a"
        "b"
        " "
        "\t"
        "\n"
        "\n\n"
        "\r\n"
        "\r"
        "é"
        "e\u0301"
        "😀"
        "👩\u200d🔬"
        "\u2028"
        "\uFEFF"
        "\uFFFD"
        "<eos>"
        "кот"
    ]
    |> Gen.nonEmptyListOf
    |> Gen.map (String.concat "")
    |> Arb.fromGen

/// The same with every line ended by a line feed, as lines are read.
let private normal (text: string) = text.Replace("\r\n", "\n").Replace('\r', '\n')

let private load (path: string) = TextCorpus.Load(path, Nullable(), TextUnit.Characters)

[<Tests>]
let tests =
    testList "characters" [
        testPropertyWithConfig
            config
            "a text is the characters that it is cut into, and words those between white space"
        <| Prop.forAll texts (fun text ->
            let tokens = List.ofSeq (TextTokens.Of(text, TextUnit.Characters))
            Expect.equal (TextTokens.Join("", tokens, TextUnit.Characters)) (normal text) "put together again"

            for token in tokens do
                if token <> "<eos>" then
                    Expect.equal (Seq.length (token.EnumerateRunes())) 1 $"one scalar value: {token}"

            let words =
                (normal text).Replace("\n", " <eos> ").Split(Array.empty<char>, StringSplitOptions.RemoveEmptyEntries)

            Expect.equal (List.ofSeq (TextTokens.Of(text, TextUnit.Words))) (List.ofArray words) "words")

        testPropertyWithConfig config "files are read so, and their vocabulary has every character once"
        <| Prop.forAll texts (fun text ->
            inDirectory
            <| fun directory ->
                for name in [ "train"; "valid"; "test" ] do
                    File.WriteAllText(Path.Combine(directory, $"x.{name}.txt"), text, UTF8Encoding true)

                let corpus = load directory
                let words = corpus.Vocabulary.Words
                let whole = normal text
                let ended = if whole.EndsWith '\n' then whole else whole + "\n"

                for ids in [ corpus.Train; corpus.Validation; corpus.Test ] do
                    let read = TextTokens.Join("", [ for id in ids -> words[id] ], TextUnit.Characters)
                    Expect.equal read ended "the text, with its last line ended"

                let runes = [ for rune in whole.EnumerateRunes() -> string rune ] |> List.except [ "\n" ]
                Expect.equal (Set words) (Set(runes @ [ "<unk>"; "<eos>" ])) "the vocabulary"
                Expect.equal words.Count (Set words).Count "each once")

        testInDirectory "empty lines and spaces count, and a vocabulary is limited by what is frequent"
        <| fun directory ->
            let path = write directory "x.txt" "aab\n\n  a\n\nb\nc\n"
            let corpus = TextCorpus.Load(path, Nullable 4, TextUnit.Characters)

            Expect.equal
                (List.ofSeq corpus.Vocabulary.Words |> List.sort)
                [ " "; "<eos>"; "<unk>"; "a" ]
                "the most frequent"

            Expect.equal
                (corpus.Train.Length, corpus.Validation.Length, corpus.Test.Length)
                (10, 2, 2)
                "all that is there"

            complains (fun () -> TextCorpus.Load(path, Nullable 9, TextUnit.Characters) |> ignore) [
                "expected a vocabulary of 3 to 5 characters"
                "got 9"
            ]

            complains (fun () -> corpus.Windows 30 |> ignore) [
                "training text: expected more than 30 characters, got 10"
            ]

        testInDirectory "what is not UTF-8 is one message, which names file, byte and remedy"
        <| fun directory ->
            let path = Path.Combine(directory, "x.txt")
            File.WriteAllBytes(path, [| yield! Encoding.UTF8.GetBytes "one\ntw😀\n"; 0xE9uy; byte 'a'; byte '\n' |])

            Expect.equal
                (complaint (fun () -> load path |> ignore))
                $"{path}, line 3, byte offset 11: expected text in UTF-8, got byte 0xE9, which is not UTF-8 – convert the file by `iconv -f ENCODING -t UTF-8`, where ENCODING is its own, such as ISO-8859-1"
                "the message"
    ]
