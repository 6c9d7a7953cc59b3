namespace ModNet.Cli

open System
open System.Globalization
open System.Text.RegularExpressions
open ModNet

/// What to write instead, where the F# compiler tells only of types. The compiler knows nothing of ModNet's words.
[<RequireQualifiedAccess>]
module CompilerHint =

    let private types = Regex @"expected to have type '(?<expected>[^']+)' but here has type '(?<found>[^']+)'"

    let private undefined =
        Regex
            @"The (?:value|constructor|value or constructor|value, namespace, type or module|value, constructor, namespace or type) '(?<word>[^']+)' is not defined"

    /// The word that stands before a column of the line, and the text from that column on.
    let private around (line: string) (column: int) : string * string =
        let at = max 0 (min line.Length (column - 1))
        let before = Regex.Match(line[.. at - 1], @"([A-Za-z_][A-Za-z_0-9']*)[\s(\[]*$")
        before.Groups[1].Value, line[at..]

    let private literal = Regex @"^(""[^""]*""|-?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?)"

    let private digits (number: float) =
        if number = Math.Floor number && abs number < 1e15 then Some(Numbers.inScript (int64 number)) else None

    let private number (text: string) : float option =
        match Double.TryParse(text.Trim('"').Replace("_", ""), NumberStyles.Float, CultureInfo.InvariantCulture) with
        | true, value when Double.IsFinite value -> Some value
        | _ -> None

    /// The literal as one of the expected type, where that can be told.
    let private written (expected: string) (found: string) : string option =
        match expected with
        | "int" -> number found |> Option.bind digits
        | "float" ->
            number found
            |> Option.map (fun value ->
                match digits value with
                | Some whole -> whole + ".0"
                | None -> value.ToString("R", CultureInfo.InvariantCulture))
        | "string" when not (found.StartsWith '"') -> Some $"\"{found}\""
        | _ -> None

    let private kinds =
        dict [
            "int", "a whole number, without quotes, point or exponent"
            "float", "a number with a point, such as 0.5"
            "string", "a text in quotes"
            "bool", "true or false"
        ]

    /// A block that lacks what has to stand before its braces.
    let private lacking (word: string) (parameters: string list) =
        let before = parameters |> String.concat " "
        $"{word} takes {before} before the braces: {word} {before} {{ … }}"

    let private ofTypes (line: string) (column: int) (expected: string) (found: string) : string option =
        match Vocabulary.taking found, kinds.TryGetValue expected with
        | Some(word, parameters), _ -> Some(lacking word parameters)
        | None, (true, kind) ->
            let word, rest = around line column

            if word = "" || not (Vocabulary.words.Value.Contains word) then
                None
            else
                let instead =
                    match literal.Match rest with
                    | found when found.Success ->
                        written expected found.Value |> Option.map (fun text -> $": {word} {text}")
                    | _ -> None

                Some($"{word} takes {kind}" + Option.defaultValue "" instead)
        | _ -> None

    let private ofWord (word: string) : string option =
        match Vocabulary.elsewhere.TryFind word with
        | Some instead -> Some $"ModNet has no {word}; write {instead}"
        | None ->
            match Vocabulary.blocksOf word, CommandLine.hint Vocabulary.words.Value word with
            | [], "" -> None
            | [], hint -> Some($"there is no {word} here{hint}")
            | blocks, _ ->
                let blocks = blocks |> String.concat " and of "
                Some($"{word} is a setting of {blocks}; it has no place here")

    /// A line that tells how to mend the error, from the error and the line of the script that it points at; None where the compiler's own
    /// words must do.
    let ofError (line: string) (error: CompilerError) : string option =
        let found = types.Match error.Text

        match error.Code with
        | "FS3095" ->
            Some
                "in a block such as experiment { … } its settings' words mean the settings: give a value of your own another name"
        | _ when found.Success -> ofTypes line error.Column found.Groups["expected"].Value found.Groups["found"].Value
        | "FS0039" when (undefined.IsMatch error.Text) -> ofWord (undefined.Match error.Text).Groups["word"].Value
        | "FS0740" ->
            // `network { … }`: the compiler takes the word for a function that is given a sequence.
            let _, rest = around line error.Column
            let word = Regex.Match(rest, @"^([a-z_0-9]+)\s*\{").Groups[1].Value
            let word = if word = "" then fst (around line error.Column) else word

            Vocabulary.builderOf word
            |> Option.bind Vocabulary.taking
            |> Option.map (fun (word, parameters) -> lacking word parameters)
        | _ -> None
