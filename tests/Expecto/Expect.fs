/// What is expected of a value: subject first, message last, as in Expecto.
[<RequireQualifiedAccess>]
module Expecto.Expect

open System
open System.Text.RegularExpressions

let private show (value: 'a) =
    match box value with
    | :? string as text -> text
    | boxed -> sprintf "%A" boxed

let private versus message actual expected =
    failtestf "%s.\nexpected: %s\n  actual: %s" message (show expected) (show actual)

let isTrue actual message =
    if not actual then
        failtestf "%s. Actual value was false but had expected it to be true." message

let isFalse actual message =
    if actual then
        failtestf "%s. Actual value was true but had expected it to be false." message

let equal (actual: 'a) (expected: 'a) message =
    match box actual, box expected with
    | (:? string as a), (:? string as e) when a <> e ->
        let at = Seq.zip a e |> Seq.takeWhile (fun (x, y) -> x = y) |> Seq.length
        failtestf "%s. Strings differ at position %i.\nexpected: %s\n  actual: %s" message at e a
    | _ ->
        if actual <> expected then
            versus message actual expected

let notEqual (actual: 'a) (expected: 'a) message =
    if actual = expected then
        failtestf "%s. Actual value was equal to %A but had expected them to be non-equal." message actual

/// Floats within an Accuracy of each other; infinities are never close.
let floatClose accuracy actual expected message =
    if Double.IsInfinity actual then
        failtestf "%s. Expected actual to not be infinity, but it was." message
    elif Double.IsInfinity expected then
        failtestf "%s. Expected expected to not be infinity, but it was." message
    elif not (Accuracy.areClose accuracy actual expected) then
        failtestf
            "%s. Expected difference to be less than %.20g for accuracy {absolute=%.20g; relative=%.20g}, but was %.20g. actual=%.20g expected=%.20g"
            message
            (Accuracy.areCloseRhs accuracy actual expected)
            accuracy.absolute
            accuracy.relative
            (Accuracy.areCloseLhs actual expected)
            actual
            expected

let floatLessThanOrClose accuracy actual expected message =
    if not (actual <= expected) then
        floatClose accuracy actual expected message

let floatGreaterThanOrClose accuracy actual expected message =
    if not (actual >= expected) then
        floatClose accuracy actual expected message

let isNotNaN actual message =
    if Double.IsNaN actual then
        failtestf "%s. Float was the NaN (not a number) value." message

let isNotInfinity actual message =
    if Double.IsInfinity actual then
        failtestf "%s. Float was infinity." message

// Written as `not (a < b)` and so on, a NaN fails every comparison.
let isLessThan a b message =
    if not (a < b) then
        failtestf "%s. Expected a (%A) to be less than b (%A)." message a b

let isLessThanOrEqual a b message =
    if not (a <= b) then
        failtestf "%s. Expected a (%A) to be less than or equal to b (%A)." message a b

let isGreaterThan a b message =
    if not (a > b) then
        failtestf "%s. Expected a (%A) to be greater than b (%A)." message a b

let isGreaterThanOrEqual a b message =
    if not (a >= b) then
        failtestf "%s. Expected a (%A) to be greater than or equal to b (%A)." message a b

let private thrownBy f =
    try
        f ()
        None
    with e ->
        Some e

let throws f message =
    if (thrownBy f).IsNone then
        failtestf "%s. Expected f to throw." message

/// Expects an exception of exactly this type.
let throwsT<'texn> f message =
    match thrownBy f with
    | None -> failtestf "%s. Expected f to throw." message
    | Some e when e.GetType() <> typeof<'texn> ->
        failtestf
            "%s. Expected f to throw an exn of type %s, but one of type %s was thrown."
            message
            typeof<'texn>.FullName
            (e.GetType().FullName)
    | Some _ -> ()

/// Expects an exception, which the continuation then inspects.
let throwsC f cont =
    match thrownBy f with
    | Some e -> cont e
    | None -> failtest "Expected f to throw."

let isNone x message =
    match x with
    | None -> ()
    | Some value -> failtestf "%s. Expected None, was Some(%A)." message value

let wantSome x message =
    match x with
    | Some value -> value
    | None -> failtestf "%s. Expected Some _, was None." message

let isSome x message = wantSome x message |> ignore

let wantOk x message =
    match x with
    | Ok value -> value
    | Error e -> failtestf "%s. Expected Ok, was Error(%A)." message e

let isOk x message = wantOk x message |> ignore

let wantError x message =
    match x with
    | Ok value -> failtestf "%s. Expected Error _, was Ok(%A)." message value
    | Error e -> e

let isError x message = wantError x message |> ignore

let isNull x message =
    match x with
    | null -> ()
    | value -> failtestf "%s. Expected null, but was %A." message value

let isNotNull x message =
    match x with
    | null -> failtest message
    | _ -> ()

let isEmpty actual message =
    if not (Seq.isEmpty actual) then
        failtestf "%s. Should be empty." message

let isNonEmpty actual message =
    if Seq.isEmpty actual then
        failtestf "%s. Should not be empty." message

/// A string that is neither null nor empty.
let isNotEmpty (actual: string) message =
    isNotNull actual message

    if actual = "" then
        failtestf "%s. Should not be empty." message

let hasLength (sequence: seq<_>) expectedLength message =
    let length = Seq.length sequence

    if length <> expectedLength then
        failtestf
            "%s. Expected sequence to have length %d, but length was %d. Sequence: %A"
            message
            expectedLength
            length
            sequence

let hasCountOf (actual: seq<_>) (expected: uint32) selector message =
    let hits = actual |> Seq.filter selector |> Seq.length |> uint32

    if hits <> expected then
        failtestf "%s. Should be of count: %d, but was: %d" message expected hits

let private unsatisfied asserter (actual: seq<'a>) =
    actual
    |> Seq.indexed
    |> Seq.filter (fun (_, item) -> not (asserter item))
    |> Seq.map (fun (index, item) -> sprintf "Element at index: %d which is equal to: %A" index item)
    |> Seq.toList

let all (actual: seq<'a>) asserter message =
    match unsatisfied asserter actual with
    | [] -> ()
    | bad -> failtestf "%s. Some elements don't satisfy `asserter`.\n%s" message (String.concat "\n" bad)

let allEqual (actual: seq<'a>) equalTo message =
    match unsatisfied ((=) equalTo) actual with
    | [] -> ()
    | bad -> failtestf "%s. Some elements aren't equal to %A.\n%s" message equalTo (String.concat "\n" bad)

let exists (actual: seq<'a>) asserter message =
    if not (Seq.exists asserter actual) then
        failtestf "%s. There isn't any element which satisfies given assertion." message

let contains (sequence: seq<'a>) element message =
    if not (Seq.contains element sequence) then
        failtestf "%s. Sequence does not contain %A." message element

/// Every expected element is there, as often as it is expected; order is free.
let containsAll (actual: seq<'a>) (expected: seq<'a>) message =
    let count items = items |> Seq.countBy id |> dict
    let has = count actual

    let missing =
        count expected
        |> Seq.filter (fun pair -> not (has.ContainsKey pair.Key) || has[pair.Key] < pair.Value)
        |> Seq.map _.Key
        |> Seq.toList

    if not missing.IsEmpty then
        failtestf "%s. Sequence `actual` does not contain all `expected` elements. Missing: %A" message missing

let sequenceEqual (actual: seq<'a>) (expected: seq<'a>) message =
    let actual, expected = Seq.toArray actual, Seq.toArray expected

    let same =
        Seq.zip actual expected |> Seq.takeWhile (fun (a, e) -> a = e) |> Seq.length

    if same < min actual.Length expected.Length then
        failtestf
            "%s. Sequence does not match at position %i. Expected item: %A, but got %A."
            message
            same
            expected[same]
            actual[same]
    elif actual.Length < expected.Length then
        failtestf
            "%s. Sequence actual shorter than expected, at pos %i for expected item %A."
            message
            same
            expected[same]
    elif actual.Length > expected.Length then
        failtestf "%s. Sequence actual longer than expected, at pos %i found item %A." message same actual[same]

let sequenceStarts (subject: seq<'a>) (prefix: seq<'a>) message =
    let prefix = Seq.toArray prefix
    sequenceEqual (Seq.truncate prefix.Length subject) prefix message

let private ordered relation word (sequence: seq<'a>) message =
    sequence
    |> Seq.pairwise
    |> Seq.tryFindIndex (fun (a, b) -> not (relation a b))
    |> Option.iter (fun at -> failtestf "%s. Sequence is not %s at position %d: %A" message word (at + 1) sequence)

let isAscending (sequence: seq<'a>) message =
    ordered (<=) "ascending" sequence message

let isDescending (sequence: seq<'a>) message =
    ordered (>=) "descending" sequence message

let stringContains (subject: string) (substring: string) message =
    if not (subject.Contains(substring, StringComparison.Ordinal)) then
        failtestf "%s. Expected subject string '%s' to contain substring '%s'." message subject substring

let stringStarts (subject: string) (prefix: string) message =
    if not (subject.StartsWith(prefix, StringComparison.Ordinal)) then
        failtestf "%s. Expected subject string '%s' to start with '%s'." message subject prefix

let stringEnds (subject: string) (suffix: string) message =
    if not (subject.EndsWith(suffix, StringComparison.Ordinal)) then
        failtestf "%s. Expected subject string '%s' to end with '%s'." message subject suffix

let stringHasLength (subject: string) length message =
    if subject.Length <> length then
        failtestf "%s. Expected subject string '%s' to have length '%d'." message subject length

let isMatch (actual: string) (pattern: string) message =
    if not (Regex.IsMatch(actual, pattern)) then
        failtestf "%s. Expected %s to match pattern: /%s/" message actual pattern

let isNotMatch (actual: string) (pattern: string) message =
    if Regex.IsMatch(actual, pattern) then
        failtestf "%s. Expected %s not to match pattern: /%s/" message actual pattern
