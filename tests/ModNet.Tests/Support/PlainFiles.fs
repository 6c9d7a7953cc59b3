/// What is in data files, read once more: slowly, plainly, and by no line of the loaders that it is held against.
module ModNet.Tests.PlainFiles

open System
open System.IO
open System.Text
open System.Text.Json.Nodes

/// The text that bytes are, character by character; None where they are none: UTF-8 by its table of bits, or UTF-16 or UTF-32 with a
/// mark, without control characters but those of blanks and line ends.
let text (bytes: byte[]) : string option =
    let rec utf8 (at: int) (found: Rune list) =
        let following n =
            if at + n < bytes.Length && Array.forall (fun b -> b &&& 0xC0uy = 0x80uy) bytes[at + 1 .. at + n] then
                bytes[at + 1 .. at + n] |> Array.fold (fun value b -> (value <<< 6) ||| int (b &&& 0x3Fuy)) 0 |> Some
            else
                None

        // So many bytes follow, and the smallest character that needs them.
        let next n (first: int) (smallest: int) =
            match following n with
            | Some rest ->
                let value = (first <<< (6 * n)) ||| rest

                if value >= smallest && Rune.IsValid value then utf8 (at + n + 1) (Rune value :: found) else None
            | None -> None

        if at >= bytes.Length then
            Some(List.rev found)
        else
            match int bytes[at] with
            | b when b < 0x80 -> next 0 b 0
            | b when b &&& 0xE0 = 0xC0 -> next 1 (b &&& 0x1F) 0x80
            | b when b &&& 0xF0 = 0xE0 -> next 2 (b &&& 0x0F) 0x800
            | b when b &&& 0xF8 = 0xF0 -> next 3 (b &&& 0x07) 0x10000
            | _ -> None

    // Whole numbers of so many bytes, from a place on.
    let units (size: int) (big: bool) (from: int) =
        if (bytes.Length - from) % size <> 0 then
            None
        else
            bytes[from..]
            |> Array.chunkBySize size
            |> Array.map ((if big then id else Array.rev) >> Array.fold (fun value b -> (value <<< 8) ||| uint32 b) 0u)
            |> Some

    let utf32 big =
        units 4 big 4
        |> Option.bind (fun values ->
            if Array.forall (fun (v: uint32) -> Rune.IsValid v) values then
                Some [ for v in values -> Rune v ]
            else
                None)

    let rec pairs (values: uint32 list) (found: Rune list) =
        match values with
        | [] -> Some(List.rev found)
        | high :: low :: rest when high >= 0xD800u && high < 0xDC00u && low >= 0xDC00u && low < 0xE000u ->
            pairs rest (Rune(0x10000u + ((high - 0xD800u) <<< 10) + (low - 0xDC00u)) :: found)
        | one :: rest when Rune.IsValid one -> pairs rest (Rune one :: found)
        | _ -> None

    let utf16 big = units 2 big 2 |> Option.bind (fun values -> pairs (List.ofArray values) [])

    let runes =
        match Array.truncate 4 bytes with
        | [| 0xFFuy; 0xFEuy; 0uy; 0uy |] -> utf32 false
        | [| 0uy; 0uy; 0xFEuy; 0xFFuy |] -> utf32 true
        | _ ->
            match Array.truncate 2 bytes with
            | [| 0xFFuy; 0xFEuy |] -> utf16 false
            | [| 0xFEuy; 0xFFuy |] -> utf16 true
            | _ ->
                match Array.truncate 3 bytes with
                | [| 0xEFuy; 0xBBuy; 0xBFuy |] -> utf8 3 []
                | _ -> utf8 0 []

    let isControl (rune: Rune) =
        rune.Value < 0x20 && not (List.contains rune.Value [ 9; 10; 11; 12; 13 ]) || rune.Value = 0x7F

    match runes with
    | Some runes when not (List.exists isControl runes) -> Some(String.Join("", runes))
    | _ -> None

/// The text of a file; InvalidDataException where it has none.
let private textOf (path: string) : string =
    match text (File.ReadAllBytes path) with
    | Some text -> text
    | None -> raise (InvalidDataException $"{path} is no text")

/// A text's words, line by line that has some.
let words (path: string) : string list list =
    (textOf path).Replace("\r\n", "\n").Split([| '\n'; '\r' |])
    |> List.ofArray
    |> List.map (fun line ->
        String.map (fun c -> if Char.IsWhiteSpace c then ' ' else c) line
        |> _.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        |> List.ofArray)
    |> List.filter (List.isEmpty >> not)

/// CRC-32 as RFC 1952 has it, bit by bit.
let crc32 (bytes: byte[]) : uint32 =
    let bit (sum: uint32) = if sum &&& 1u = 1u then (sum >>> 1) ^^^ 0xEDB88320u else sum >>> 1
    let step (sum: uint32) (b: byte) = Seq.fold (fun sum _ -> bit sum) (sum ^^^ uint32 b) [ 1..8 ]
    Array.fold step UInt32.MaxValue bytes ^^^ UInt32.MaxValue

/// What gzip(1) unpacks; InvalidDataException where it does not end with success.
let gunzip (packed: byte[]) : byte[] =
    let start =
        Diagnostics.ProcessStartInfo(
            "gzip",
            [ "-dc" ],
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        )

    use running = Diagnostics.Process.Start start
    use content = new MemoryStream()
    let output = running.StandardOutput.BaseStream.CopyToAsync content
    let errors = running.StandardError.ReadToEndAsync()

    try
        running.StandardInput.BaseStream.Write packed
        running.StandardInput.Close()
    with :? IOException ->
        // It has seen enough.
        ()

    output.Wait()
    running.WaitForExit()

    if running.ExitCode = 0 then content.ToArray() else raise (InvalidDataException errors.Result)

/// A file's bytes; of one that is packed, those that were packed.
let bytes (path: string) : byte[] =
    let found = File.ReadAllBytes path
    if path.EndsWith ".gz" then gunzip found else found

/// The `path` that an extended header of pax gives to the entry after it, if it gives one.
let private paxPath (records: byte[]) : string option =
    Encoding.UTF8.GetString(records).Split '\n'
    |> Array.tryPick (fun record ->
        let at = record.IndexOf " path="
        if at >= 0 then Some(record.Substring(at + 6)) else None)

/// The regular files of a tar archive by their names without folders; of two of one name, the later.
let tarred (archive: byte[]) : Map<string, byte[]> =
    let ascii (at: int) (length: int) = Encoding.ASCII.GetString(archive, at, length)

    let rec from (at: int) (path: string option) (found: Map<string, byte[]>) =
        // A header without a checksum is none: zeros end an archive.
        if Array.forall ((=) 0uy) archive[at + 148 .. at + 155] then
            found
        else
            let size =
                match (ascii (at + 124) 12).TrimStart(' ', '\000').Split(' ', '\000')[0] with
                | "" -> 0
                | digits -> Convert.ToInt32(digits, 8)

            let name =
                let whole = path |> Option.defaultValue (Encoding.UTF8.GetString(archive, at, 100).Split('\000')[0])

                whole.Split('/') |> Array.last

            match archive[at + 156] with
            // Links, devices and folders have no bytes of their own, whatever they say.
            | kind when kind >= '1'B && kind <= '6'B -> from (at + 512) None found
            | kind ->
                let next = at + 512 + (size + 511) / 512 * 512

                let content () = archive[at + 512 .. at + 511 + size]

                if kind = '0'B || kind = '7'B || kind = 0uy then from next None (Map.add name (content ()) found)
                elif kind = 'x'B then from next (paxPath (content ())) found
                else from next None found

    from 0 None Map.empty

/// The tensors of a safetensors file: name, dtype, shape, bytes.
let tensors (path: string) : (string * string * int64 list * byte[]) list =
    let file = File.ReadAllBytes path
    let length = int (BitConverter.ToUInt64(file, 0))
    let header = JsonNode.Parse(ReadOnlySpan(file, 8, length)).AsObject()

    [
        for KeyValue(name, entry) in header do
            if name <> "__metadata__" then
                let offsets = [ for offset in entry["data_offsets"].AsArray() -> offset.GetValue<int>() ]
                let shape = [ for size in entry["shape"].AsArray() -> size.GetValue<int64>() ]

                name,
                entry["dtype"].GetValue<string>(),
                shape,
                file[8 + length + offsets[0] .. 8 + length + offsets[1] - 1]
    ]

/// The values of a CSV file, row by row that has some: RFC 4180, a character at a time, without the blanks around a value. None
/// where quotes are not around the whole of one.
let csv (separator: char) (path: string) : string list list option =
    let text = textOf path

    /// A value and what ends it, from a place on.
    let rec quoted (value: string) (at: int) =
        if at >= text.Length then None
        elif text[at] <> '"' then quoted (value + string text[at]) (at + 1)
        elif at + 1 < text.Length && text[at + 1] = '"' then quoted (value + "\"") (at + 2)
        else Some(value, at + 1)

    let isEnd (at: int) = at >= text.Length || text[at] = separator || text[at] = '\n' || text[at] = '\r'

    let rec afterBlanks (at: int) = if not (isEnd at) && Char.IsWhiteSpace text[at] then afterBlanks (at + 1) else at

    let value (at: int) =
        let first = afterBlanks at

        if first < text.Length && text[first] = '"' then
            match quoted "" (first + 1) with
            | Some(value, next) when isEnd (afterBlanks next) -> Some(value, afterBlanks next)
            | _ -> None
        else
            let rec plain (next: int) = if isEnd next then next else plain (next + 1)

            let next = plain at
            let value = text.Substring(at, next - at)
            if value.Contains '"' then None else Some(value, next)

    let rec rows (at: int) (row: string list) (found: string list list) =
        match value at with
        | None -> None
        | Some(value, next) ->
            let row = value.Trim() :: row

            if next < text.Length && text[next] = separator then
                rows (next + 1) row found
            else
                let found = List.rev row :: found

                let next =
                    if next + 1 < text.Length && text[next] = '\r' && text[next + 1] = '\n' then next + 2 else next + 1

                if next >= text.Length then Some(List.rev found) else rows next [] found

    rows 0 [] [] |> Option.map (List.filter (fun row -> row <> [ "" ]))
