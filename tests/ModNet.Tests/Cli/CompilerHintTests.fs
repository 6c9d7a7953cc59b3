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

/// A script with one mistake in each declaration, each of which the compiler reports.
let private mistakes = [
    """let a = pool "a" { modules "4"; unit (linear 2) }""", "modules takes a whole number"
    """let b = em { samples 3; optimiser (Adam 1e-3) }""", "write optimizer (Adam 1e-3)"
    """let c = em { samples 3; learning_rate 1e-3 }""", "write optimizer (Adam 1e-3)"
    """let d = em { samples 3; steps 1e3 }""",
    "steps takes a whole number, without quotes, point or exponent: steps 1_000"
    """let e: Data = in_memory { held_out 0.1 }""", "in_memory takes \"name\" before the braces"
    """let f = network { features 2; linear 1 }""", "network takes \"name\" before the braces"
    """let g = network "g" { features 2; Dense 3 }""", "write linear 64"
]

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

        testInDirectory "in a script of many mistakes each one has its remedy after the compiler's words"
        <| fun directory ->
            let load = Path.Combine(root, "notebooks", "modnet.fsx")
            let lines = [ $"#load @\"{load}\""; "open ModNet"; yield! mistakes |> List.map fst ]
            let script = write directory "mine.fsx" (String.concat "\n" lines)
            refused 1 [ "check"; script ] ("does not compile" :: (mistakes |> List.map snd))
    ]
