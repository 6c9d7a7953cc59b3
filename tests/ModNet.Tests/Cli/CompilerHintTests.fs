/// What is said beside the F# compiler's words.
module ModNet.Tests.CompilerHintTests

open System.IO
open Expecto
open ModNet.Cli
open ModNet.Tests.Clone

let private hint (line: string) (column: int) (code: string) (text: string) =
    CompilerHint.ofError line { Path = "mine.fsx"; Line = 1; Column = column; Code = code; Text = text }

let private types expected found = $"This expression was expected to have type '{expected}' but here has type '{found}'"

let private undefined (word: string) = $"The value or constructor '{word}' is not defined."

let private noBlock =
    "Invalid record, sequence or computation expression. Sequence expressions should be of the form 'seq { ... }'"

[<Tests>]
let tests =
    testList "compiler hints" [
        test "a number in quotes, with a point or an exponent becomes a whole one" {
            for literal, found, whole in [ "\"4\"", "string", "4"; "1e3", "float", "1_000"; "2.0", "float", "2" ] do
                let line = $"pool \"p\" {{ modules {literal} }}"
                let column = line.IndexOf(literal) + 1
                let hint = hint line column "FS0001" (types "int" found)

                Expect.equal
                    hint
                    (Some $"modules takes a whole number, without quotes, point or exponent: modules {whole}")
                    literal
        }

        test "a number that is no whole one has no proposal" {
            let hint = hint "modules 2.5" 9 "FS0001" (types "int" "float")
            Expect.equal hint (Some "modules takes a whole number, without quotes, point or exponent") "no proposal"
        }

        test "other types of settings" {
            Expect.equal
                (hint "dropout 1" 9 "FS0001" (types "float" "int"))
                (Some "dropout takes a number with a point, such as 0.5: dropout 1.0")
                "a point"

            Expect.equal
                (hint "target 2" 8 "FS0001" (types "string" "int"))
                (Some "target takes a text in quotes: target \"2\"")
                "quotes"
        }

        test "of what is not about ModNet's words the compiler alone speaks" {
            Expect.isNone (hint "let x: int = \"a\"" 14 "FS0001" (types "int" "string")) "a value of the user's own"
            Expect.isNone (hint "zyxwv 1" 1 "FS0039" (undefined "zyxwv")) "a word that is near to none"
            Expect.isNone (hint "let" 1 "FS0010" "Incomplete structured construct") "another error"
        }

        test "a misspelt word is told, and every word of another library leads to words of ours" {
            Expect.equal
                (hint "moduls 3" 1 "FS0039" (undefined "moduls"))
                (Some "there is no moduls here – did you mean modules?")
                "misspelt"

            for KeyValue(word, instead) in Vocabulary.elsewhere do
                let hint = hint $"{word} 1" 1 "FS0039" (undefined word)
                Expect.stringContains (Option.defaultValue "" hint) instead word
                Expect.isFalse (Vocabulary.words.Value.Contains word) $"{word} is no word of ModNet"
                let ours = instead.Split(' ', ',', '(')

                if ours[0] <> "a" then
                    Expect.isTrue (Vocabulary.words.Value.Contains ours[0]) $"{ours[0]} is a word of ModNet"
        }

        test "a setting that stands in another block than its own" {
            for word, blocks in
                [
                    "weight", "csv and of custom"
                    "window", "text"
                    "weights", "in_memory"
                    "given", "generated and of in_memory"
                ] do
                Expect.equal
                    (hint $"text \"a.txt\" {{ {word} 1 }}" 16 "FS0039" (undefined word))
                    (Some $"{word} is a setting of {blocks}; it has no place here")
                    word
        }

        test "a block without what stands before its braces" {
            let hint = hint "let data' = in_memory { held_out 0.1 }" 13 "FS0001" (types "Data" "InMemoryBuilder")

            Expect.equal
                hint
                (Some "in_memory takes \"name\" before the braces: in_memory \"name\" { … }")
                "a builder in place of its value"

            let line = "let n = network { features 2; linear 1 }"

            let hint =
                CompilerHint.ofError line { Path = "mine.fsx"; Line = 1; Column = 17; Code = "FS0740"; Text = noBlock }

            Expect.equal
                hint
                (Some "network takes \"name\" before the braces: network \"name\" { … }")
                "a word before braces"
        }

        testInDirectory "of a script that does not compile, the remedy follows the compiler's words"
        <| fun directory ->
            let load = Path.Combine(root, "notebooks", "modnet.fsx")
            let line = "let a = em { samples 3; optimiser (Adam 1e-3) }"
            let script = write directory "mine.fsx" $"#load @\"{load}\"\nopen ModNet\n{line}"

            refused 1 [ "check"; script ] [
                "'optimiser' is not defined"
                "  remedy: ModNet has no optimiser; write optimizer (Adam 1e-3)"
                "does not compile"
            ]
    ]
