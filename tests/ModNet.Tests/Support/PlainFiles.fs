/// What is in data files, read once more: slowly, plainly, and by no line of the loaders that it is held against.
module ModNet.Tests.PlainFiles

open System
open System.IO
open System.IO.Compression
open System.Text
open System.Text.Json.Nodes

/// A text's words, line by line that has some.
let words (path: string) : string list list =
    use reader = new StreamReader(path)

    reader.ReadToEnd().Replace("\r\n", "\n").Split([| '\n'; '\r' |])
    |> List.ofArray
    |> List.map (fun line ->
        String.map (fun c -> if Char.IsWhiteSpace c then ' ' else c) line
        |> _.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        |> List.ofArray)
    |> List.filter (List.isEmpty >> not)

/// A file's bytes; of one that is packed, those that were packed, to the last: InvalidDataException where its checksum is another.
let bytes (path: string) : byte[] =
    if path.EndsWith ".gz" then
        use file = File.OpenRead path
        use unpacked = new GZipStream(file, CompressionMode.Decompress)
        use target = new MemoryStream()
        unpacked.CopyTo target
        target.ToArray()
    else
        File.ReadAllBytes path

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
    use reader = new StreamReader(path)
    let text = reader.ReadToEnd()

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
