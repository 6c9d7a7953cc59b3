namespace ModNet

open System
open System.Text.Json.Nodes

/// One form of JSON, both ways: what is written is read again exactly.
type internal Codec<'T> = {
    Write: 'T -> JsonNode
    /// Raises JsonFault with the JSON path where the node is of another form.
    Read: JsonPlace -> 'T
    /// How much there is to read in a value: 0 for the plainest. Simpler networks are found by it.
    Size: 'T -> int
}

/// Some properties of a JSON object: written from an owner, and read into a value.
type internal Fields<'Owner, 'T> = {
    Names: string list
    Values: 'Owner -> (string * JsonNode) list
    Build: JsonProperties -> 'T
    Sizes: 'Owner -> int
}

/// One case of a union: an object whose `kind` is the case's word, and whose other properties are the case's fields.
type internal Case<'U> = {
    Word: string
    Names: string list
    Is: 'U -> bool
    /// Of a value of this case, as the next.
    Values: 'U -> (string * JsonNode) list
    Sizes: 'U -> int
    Build: JsonProperties -> 'U
    /// How much there is to read in the case itself.
    Weight: int
}

/// Puts fields together: `fields { let! width = Codec.field "width" _.Width Codec.int and! … return { Width = width; … } }`.
[<Sealed>]
type internal FieldsBuilder() =

    member _.BindReturn(fields: Fields<'Owner, 'T>, map: 'T -> 'U) : Fields<'Owner, 'U> = {
        Names = fields.Names
        Values = fields.Values
        Build = fields.Build >> map
        Sizes = fields.Sizes
    }

    member _.MergeSources(first: Fields<'Owner, 'A>, second: Fields<'Owner, 'B>) : Fields<'Owner, 'A * 'B> = {
        Names = first.Names @ second.Names
        Values = fun owner -> first.Values owner @ second.Values owner
        Build =
            fun properties ->
                let value = first.Build properties
                value, second.Build properties
        Sizes = fun owner -> first.Sizes owner + second.Sizes owner
    }

module internal Codec =

    let private node (properties: (string * JsonNode) list) : JsonNode =
        let object = JsonObject()

        for name, value in properties do
            object.Add(name, value)

        object

    let int: Codec<int> = {
        Write = fun value -> JsonValue.Create value
        Read = JsonReader.int
        Size = id
    }

    let long: Codec<int64> = {
        Write = fun value -> JsonValue.Create value
        Read = JsonReader.long
        Size = fun _ -> 0
    }

    /// Plain where it is false.
    let bool: Codec<bool> = {
        Write = fun value -> JsonValue.Create value
        Read = JsonReader.bool
        Size = fun value -> if value then 1 else 0
    }

    /// The same form for a type in which this value is the plainest.
    let plainly (plain: 'T) (codec: Codec<'T>) : Codec<'T> = {
        codec with
            Size = fun value -> if value = plain then 0 else 1
    }

    let string: Codec<string> = {
        Write = fun value -> JsonValue.Create value
        Read = JsonReader.string
        Size = fun _ -> 0
    }

    /// Numbers that JSON has no numerals for are strings.
    let float: Codec<float> = {
        Write =
            fun value ->
                if Double.IsFinite value then JsonValue.Create value else JsonValue.Create(Numbers.ofFloat value)
        Read = JsonReader.float
        Size = fun _ -> 0
    }

    /// `null` for None.
    let option (codec: Codec<'T>) : Codec<'T option> = {
        Write = Option.map codec.Write >> Option.toObj
        Read = JsonReader.option codec.Read
        Size =
            function
            | None -> 0
            | Some value -> 1 + codec.Size value
    }

    let list (codec: Codec<'T>) : Codec<'T list> = {
        Write = fun values -> JsonArray [| for value in values -> codec.Write value |]
        Read = JsonReader.list codec.Read
        Size = List.sumBy (fun value -> 1 + codec.Size value)
    }

    /// An object whose property names are the keys.
    let map (codec: Codec<'T>) : Codec<Map<string, 'T>> = {
        Write = fun values -> node [ for KeyValue(key, value) in values -> key, codec.Write value ]
        Read = JsonReader.map codec.Read
        Size = Map.fold (fun size _ value -> size + 1 + codec.Size value) 0
    }

    /// One of a closed set of words, the plainest first.
    let words (words: ('T * string) list) : Codec<'T> = {
        Write = fun value -> words |> List.find (fst >> (=) value) |> snd |> string.Write
        Read = JsonReader.choice words
        Size = fun value -> words |> List.findIndex (fst >> (=) value) |> min 1
    }

    /// The form of a value that holds others of its form: made from itself.
    let recursive (make: Codec<'T> -> Codec<'T>) : Codec<'T> =
        let whole = ref Unchecked.defaultof<Codec<'T>>

        whole.Value <-
            make {
                Write = fun value -> whole.Value.Write value
                Read = fun place -> whole.Value.Read place
                Size = fun value -> whole.Value.Size value
            }

        whole.Value

    let fields = FieldsBuilder()

    /// A property of the owner's.
    let field (name: string) (get: 'Owner -> 'T) (codec: Codec<'T>) : Fields<'Owner, 'T> = {
        Names = [ name ]
        Values = fun owner -> [ name, codec.Write(get owner) ]
        Build = fun properties -> codec.Read properties[name]
        Sizes = fun owner -> codec.Size(get owner)
    }

    /// A property that is there only where the owner has the value.
    let optional (name: string) (get: 'Owner -> 'T option) (codec: Codec<'T>) : Fields<'Owner, 'T option> = {
        Names = [ name ]
        Values =
            fun owner ->
                match get owner with
                | Some value -> [ name, codec.Write value ]
                | None -> []
        Build = fun properties -> properties.Find name |> Option.map codec.Read
        Sizes =
            fun owner ->
                match get owner with
                | Some value -> 1 + codec.Size value
                | None -> 0
    }

    /// A property that is there only where the owner's value is not the plain one.
    let unlessPlain (name: string) (plain: 'T) (get: 'Owner -> 'T) (codec: Codec<'T>) : Fields<'Owner, 'T> =
        let said = optional name (get >> fun value -> if value = plain then None else Some value) codec

        {
            Names = said.Names
            Values = said.Values
            Build = said.Build >> Option.defaultValue plain
            Sizes = said.Sizes
        }

    /// A value that is one property.
    let one (name: string) (codec: Codec<'T>) : Fields<'T, 'T> = field name id codec

    /// Two properties as a pair.
    let pair (name: string, first: Codec<'A>) (name': string, second: Codec<'B>) : Fields<'A * 'B, 'A * 'B> =
        fields {
            let! a = field name fst first
            and! b = field name' snd second
            return a, b
        }

    /// A value without properties.
    let nothing (value: 'T) : Fields<'Owner, 'T> = {
        Names = []
        Values = fun _ -> []
        Build = fun _ -> value
        Sizes = fun _ -> 0
    }

    /// Fields of a part of the owner.
    let within (get: 'Owner -> 'Part) (fields: Fields<'Part, 'T>) : Fields<'Owner, 'T> = {
        Names = fields.Names
        Values = get >> fields.Values
        Build = fields.Build
        Sizes = get >> fields.Sizes
    }

    let object (fields: Fields<'T, 'T>) : Codec<'T> = {
        Write = fields.Values >> node
        Read = JsonReader.properties fields.Names >> fields.Build
        Size = fields.Sizes
    }

    /// An object that first says its version. One of another version is refused before its other properties are looked at.
    let versioned (version: int) (fields: Fields<'T, 'T>) : Codec<'T> =
        let name = "version"

        let demand (place: JsonPlace) =
            let found = JsonReader.int place

            if found <> version then
                JsonReader.fail
                    place.Path
                    $"{version}"
                    $"{found}"
                    "read it with the ModNet that wrote it, or write it anew"

        {
            Write = fun value -> node ((name, int.Write version) :: fields.Values value)
            Read =
                fun place ->
                    match place.Node with
                    | :? JsonObject as object -> JsonProperties(place.Path, object).Find name |> Option.iter demand
                    | _ -> ()

                    let properties = JsonReader.properties (name :: fields.Names) place
                    demand properties[name]
                    fields.Build properties
            Size = fields.Sizes
        }

    let case (word: string) (get: 'U -> 'P option) (make: 'P -> 'U) (fields: Fields<'P, 'P>) : Case<'U> = {
        Word = word
        Names = fields.Names
        Is = get >> Option.isSome
        Values = get >> Option.get >> fields.Values
        Sizes = get >> Option.get >> fields.Sizes
        Build = fields.Build >> make
        Weight = 0
    }

    let weighing (weight: int) (case: Case<'U>) = { case with Weight = weight }

    /// A case without fields.
    let constant (word: string) (value: 'U) : Case<'U> =
        case word (fun other -> if other = value then Some() else None) (fun () -> value) (nothing ())

    /// An object that says its kind.
    let union (cases: Case<'U> list) : Codec<'U> =
        let words = [ for case in cases -> case.Word, case.Word ]

        let find value = cases |> List.find (fun case -> case.Is value)

        {
            Write =
                fun value ->
                    let case = find value
                    node (("kind", string.Write case.Word) :: case.Values value)
            Read =
                fun place ->
                    let word =
                        match place.Node with
                        | :? JsonObject as object when object.ContainsKey "kind" ->
                            JsonReader.choice words { Path = $"{place.Path}.kind"; Node = object["kind"] }
                        // Not an object, or without a kind: this fails and says which.
                        | _ -> (JsonReader.properties [ "kind" ] place).Item "kind" |> JsonReader.choice words

                    let case = cases |> List.find (fun case -> case.Word = word)
                    case.Build(JsonReader.properties ("kind" :: case.Names) place)
            Size =
                fun value ->
                    let case = find value
                    case.Weight + case.Sizes value
        }

    /// One of a closed set of words, the plainest first, or, of a case that has settings, an object that says its kind.
    let wordsOr (cases: Case<'T> list) (plain: ('T * string) list) : Codec<'T> =
        let words, objects = words plain, union cases
        let kinds = cases |> List.map (fun case -> $"\"{case.Word}\"") |> String.concat ", "
        let others = $", or an object of kind {kinds}"

        let hasSettings value = cases |> List.exists (fun case -> case.Is value)

        {
            Write = fun value -> if hasSettings value then objects.Write value else words.Write value
            Read =
                fun place ->
                    match place.Node with
                    | :? JsonObject -> objects.Read place
                    | _ -> JsonReader.choiceBeside others plain place
            Size = fun value -> if hasSettings value then objects.Size value else words.Size value
        }
