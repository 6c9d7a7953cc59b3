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
    Build: (string -> JsonPlace) -> 'T
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
    Build: (string -> JsonPlace) -> 'U
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
            fun field ->
                let value = first.Build field
                value, second.Build field
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
        Build = fun field -> codec.Read(field name)
        Sizes = fun owner -> codec.Size(get owner)
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
                        | _ -> JsonReader.properties [ "kind" ] place "kind" |> JsonReader.choice words

                    let case = cases |> List.find (fun case -> case.Word = word)
                    case.Build(JsonReader.properties ("kind" :: case.Names) place)
            Size =
                fun value ->
                    let case = find value
                    case.Weight + case.Sizes value
        }
