/// Bytes and texts with something wrong in them, and loaders that must answer them in good order.
module ModNet.Tests.Mutations

open System
open System.Diagnostics
open System.IO
open System.Text
open System.Text.Json
open System.Text.Json.Nodes
open Expecto
open ModNet.Runtime

let isLong = Environment.GetEnvironmentVariable "MODNET_LONG" = "1"

/// How many times as many mutations are tried.
let times = if isLong then 50 else 1

/// Writes a file into a directory.
let put (directory: string) (name: string) (bytes: byte[]) = File.WriteAllBytes(Path.Combine(directory, name), bytes)

let private pick (random: Random) (values: 'Value[]) = values[random.Next values.Length]

/// Numbers that programs trip over, as text.
let private numbers = [|
    "0"
    "-1"
    "1"
    "-0"
    "255"
    "256"
    "65536"
    "2147483647"
    "2147483648"
    "-2147483649"
    "4294967296"
    "9223372036854775807"
    "9223372036854775808"
    "1e5"
    "1e308"
    "1e999"
    "-1e999"
    "0.5"
    "NaN"
    "nan"
    "Infinity"
    "-Infinity"
    ""
    "1_000"
    "0x10"
    "١"
|]

/// Four or eight bytes that lengths and offsets may be lied with, in either order.
let private lies = [|
    for value in [ 0L; 1L; -1L; 255L; 65535L; 0x7fffffffL; 0x80000000L; 0xffffffffL; Int64.MaxValue; Int64.MinValue ] do
        let eight = BitConverter.GetBytes value
        eight
        Array.rev eight
        eight[..3]
        Array.rev eight[..3]
|]

let private splice (bytes: byte[]) (at: int) (removed: int) (inserted: byte[]) =
    let removed = min removed (bytes.Length - at)
    Array.concat [ bytes[.. at - 1]; inserted; bytes[at + removed ..] ]

/// One change to bytes.
let private change (random: Random) (bytes: byte[]) : byte[] =
    if bytes.Length = 0 then
        [| byte (random.Next 256) |]
    else
        // Headers are at the front, and the front is where it hurts.
        let at = if random.Next 2 = 0 then random.Next bytes.Length else random.Next(min 64 bytes.Length)

        match random.Next 9 with
        | 0 ->
            let copy = Array.copy bytes
            copy[at] <- copy[at] ^^^ (1uy <<< random.Next 8)
            copy
        | 1 -> splice bytes at 1 [| byte (random.Next 256) |]
        | 2 -> splice bytes at 0 (Array.init (1 + random.Next 8) (fun _ -> byte (random.Next 256)))
        | 3 -> splice bytes at (1 + random.Next 16) [||]
        | 4 -> bytes[.. at - 1]
        | 5 ->
            let length = 1 + random.Next(min 64 bytes.Length)
            let from = random.Next bytes.Length
            splice bytes at 0 bytes[from .. min (bytes.Length - 1) (from + length - 1)]
        | 6 ->
            let lie = pick random lies
            splice bytes at lie.Length lie
        | 7 -> splice bytes at (random.Next 16) (Encoding.UTF8.GetBytes(pick random numbers))
        | _ -> Array.append bytes (Array.init (1 + random.Next 600) (fun _ -> byte (random.Next 256)))

/// Up to four changes to bytes.
let ofBytes (random: Random) (bytes: byte[]) : byte[] =
    Seq.init (1 + random.Next 4) ignore |> Seq.fold (fun bytes () -> change random bytes) bytes

/// The same with characters of a text format's own grammar.
let ofText (words: string[]) (random: Random) (text: string) : byte[] =
    let one (text: string) =
        let at = random.Next(text.Length + 1)

        match random.Next 6 with
        | 0 -> text.Insert(at, pick random words)
        | 1 -> text.Insert(at, pick random numbers)
        | 2 when at < text.Length -> text.Remove(at, min (text.Length - at) (1 + random.Next 12))
        | 3 ->
            let lines = text.Split '\n'
            let line = random.Next lines.Length

            lines[line] <-
                pick random [| ""; lines[line] + lines[line]; pick random words; lines[random.Next lines.Length] |]

            String.concat "\n" lines
        | 4 -> text.Insert(at, String.replicate (1 + random.Next 200) (pick random words))
        | _ when at < text.Length -> text.Remove(at, 1).Insert(at, pick random words)
        | _ -> text

    let changed = Seq.init (1 + random.Next 4) ignore |> Seq.fold (fun text () -> one text) text

    let bytes = Encoding.UTF8.GetBytes changed

    match random.Next 8 with
    | 0
    | 1 -> ofBytes random bytes
    // As other encodings have it, without a mark.
    | 2 -> Encoding.Latin1.GetBytes(changed + pick random [| "é"; "è caf\u00EA" |])
    | 3 -> Encoding.Unicode.GetBytes changed
    | _ -> bytes

/// A packed file with something wrong at its end: a trailer that is cut or changed, or something behind it. Zeros and another member are not
/// wrong for gzip(1).
let ofPackedEnd (random: Random) (packed: byte[]) : byte[] =
    match random.Next 5 with
    | 0 -> packed[.. packed.Length - 2 - random.Next 8]
    | 1 ->
        let at = packed.Length - 1 - random.Next 8
        Array.updateAt at (packed[at] ^^^ (1uy <<< random.Next 8)) packed
    | 2 -> Array.append packed (Array.init (1 + random.Next 20) (fun _ -> byte (random.Next 256)))
    | 3 -> Array.append packed (Array.zeroCreate (1 + random.Next 600))
    | _ -> Array.append packed gzipOfNothing

/// What may stand in the place of a node of JSON.
let private values (random: Random) : JsonNode =
    match random.Next 12 with
    | 0 -> null
    | 1 -> JsonValue.Create(random.Next 2 = 0)
    | 2 -> JsonValue.Create(random.Next(-3, 4))
    | 3 -> JsonValue.Create Int32.MaxValue
    | 4 -> JsonValue.Create Int64.MaxValue
    | 5 -> JsonValue.Create 0.5
    | 6 -> JsonNode.Parse "1e999"
    | 7 -> JsonValue.Create "words"
    | 8 -> JsonValue.Create(String('x', 5_000))
    | 9 -> JsonArray()
    | 10 -> JsonObject()
    | _ -> JsonNode.Parse "[[[[[[1]]]]]]"

/// One node replaced, removed, doubled or wrapped.
let private changeNode (random: Random) (root: JsonNode) =
    let rec places (node: JsonNode) : JsonNode list =
        match node with
        | :? JsonObject as fields ->
            node
            :: [
                for field in fields do
                    yield! places field.Value
            ]
        | :? JsonArray as items ->
            node
            :: [
                for item in items do
                    yield! places item
            ]
        | _ -> []

    match places root |> Array.ofList |> pick random with
    | :? JsonObject as fields when fields.Count > 0 ->
        let name = (fields |> Seq.map _.Key |> Array.ofSeq |> pick random)

        match random.Next 4 with
        | 0 -> fields.Remove name |> ignore
        | 1 -> fields[name + "s"] <- values random
        | _ -> fields[name] <- values random
    | :? JsonArray as items when items.Count > 0 ->
        let at = random.Next items.Count

        match random.Next 4 with
        | 0 -> items.RemoveAt at
        | 1 when not (isNull items[at]) -> items.Insert(at, items[at].DeepClone())
        | _ -> items[at] <- values random
    | :? JsonObject as fields -> fields["more"] <- values random
    | :? JsonArray as items -> items.Add(values random)
    | _ -> ()

/// JSON's own grammar, and what strings of it may hold.
let private jsonWords = [|
    "{"
    "}"
    "["
    "]"
    ","
    ":"
    "\""
    "\\"
    "\\ud800"
    "\\u0000"
    "null"
    "true"
    "//"
    "\"kind\""
    "\u0000"
    "é"
|]

/// A JSON document with its nodes or its text changed.
let ofJson (random: Random) (text: string) : byte[] =
    match random.Next 8 with
    | 0 -> Encoding.UTF8.GetBytes(String.replicate (random.Next 3_000) "[" + text)
    | 1
    | 2 -> ofText jsonWords random text
    | _ ->
        let root = JsonNode.Parse(text, documentOptions = JsonDocumentOptions(MaxDepth = 1000))

        for _ in 0 .. random.Next 3 do
            changeNode random root

        Encoding.UTF8.GetBytes(root.ToJsonString(JsonSerializerOptions(MaxDepth = 1000)))

/// What a loader may take for one small file; the most that any needs is for the drawing of a hundred thousand layers.
let private mostBytes = 128L <<< 20

let private mostSeconds = 10.0

/// A fresh directory in memory where there is such a place: thousands of files are written there and thrown away.
let private inPassing (body: string -> unit) =
    let memory = "/dev/shm"

    if Directory.Exists memory then
        let directory = Path.Combine(memory, $"modnet-test-{Guid.NewGuid():N}")
        Directory.CreateDirectory directory |> ignore

        try
            body directory
        finally
            Directory.Delete(directory, true)
    else
        inDirectory body

/// Has the process forget the most memory that it ever took, so that what comes has a peak of its own; false where no system does that.
let private forgetPeak () =
    try
        File.WriteAllText("/proc/self/clear_refs", "5")
        true
    with
    | :? IOException
    | :? UnauthorizedAccessException -> false

/// What became of one.
type private Answer =
    | Loaded
    | Refused
    | Wrong of what: string

/// The same as `tries`, where a loader may ask for so many bytes for one small file.
let triesTaking
    (mostAllocated: int64)
    (name: string)
    (count: int)
    (mutate: Random -> string -> unit)
    (load: string -> unit)
    =
    testCase $"{name}: {count} mutations are loaded rightly or refused clearly"
    <| fun () ->
        inPassing
        <| fun directory ->
            let mutable right = 0
            let mutable refused = 0
            let failures = ResizeArray<string>()
            use self = Process.GetCurrentProcess()
            let resident = self.WorkingSet64
            let hasPeak = forgetPeak ()

            for turn in 1..count do
                let input = Directory.CreateDirectory(Path.Combine(directory, "in")).FullName
                mutate (Random(7919 * turn + 13)) input
                let before = GC.GetAllocatedBytesForCurrentThread()
                let clock = Stopwatch.StartNew()

                let answer =
                    try
                        scoped (fun () -> load input)
                        Loaded
                    with
                    | :? UserException as e when String.IsNullOrWhiteSpace e.Message -> Wrong "an empty message"
                    | :? UserException -> Refused
                    | e -> Wrong $"{e.GetType().Name}: {e.Message}\n{e.StackTrace}"

                let taken = GC.GetAllocatedBytesForCurrentThread() - before

                match answer with
                | Wrong what -> failures.Add $"turn {turn}: {what}"
                | _ when taken > mostAllocated -> failures.Add $"turn {turn}: {taken >>> 20} MiB taken"
                | _ when clock.Elapsed.TotalSeconds > mostSeconds ->
                    failures.Add $"turn {turn}: {clock.Elapsed.TotalSeconds} s"
                | Loaded -> right <- right + 1
                | Refused -> refused <- refused + 1

                Directory.Delete(input, true)

            Tally.mutations name count right refused failures.Count
            let shown = failures |> Seq.truncate 3 |> String.concat "\n"
            Expect.isEmpty failures $"{failures.Count} of {count} failed:\n{shown}"
            Expect.isTrue (refused > 0) "there is something to refuse"
            Expect.isEmpty (Directory.EnumerateFileSystemEntries directory) "nothing is written anywhere"
            self.Refresh()

            // libtorch's memory too, which the collector knows nothing of.
            let most = if hasPeak then self.PeakWorkingSet64 else self.WorkingSet64
            Expect.isLessThan (most - resident) (4L * mostBytes) "bytes that the process had more at the most"

/// Reads `count` mutations of a file: each is loaded rightly or refused in a UserException, soon and without asking for much
/// memory. `mutate` writes one to the folder that `load` reads; what `load` makes of it is its own to check.
let tries (name: string) (count: int) (mutate: Random -> string -> unit) (load: string -> unit) =
    triesTaking mostBytes name count mutate load
