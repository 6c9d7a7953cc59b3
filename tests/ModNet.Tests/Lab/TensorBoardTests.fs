/// A run's log for TensorBoard, read back by a plain reader of its format.
module ModNet.Tests.TensorBoardTests

open System
open System.Buffers.Binary
open System.IO
open System.Text
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Running

/// CRC-32C, bit by bit, with the mask that TensorFlow's records have.
let private maskedCrc (bytes: byte[]) : uint32 =
    let mutable crc = 0xFFFFFFFFu

    for value in bytes do
        crc <- crc ^^^ uint32 value

        for _ in 1..8 do
            crc <- if crc &&& 1u = 1u then (crc >>> 1) ^^^ 0x82F63B78u else crc >>> 1

    let crc = ~~~crc
    ((crc >>> 15) ||| (crc <<< 17)) + 0xA282EAD8u

/// The records of a file, each with its checksums verified.
let private records (path: string) : byte[] list =
    let bytes = File.ReadAllBytes path

    let rec from at =
        if at = bytes.Length then
            []
        else
            let number (start: int) = BinaryPrimitives.ReadUInt32LittleEndian(ReadOnlySpan(bytes, start, 4))
            let length = int (BinaryPrimitives.ReadUInt64LittleEndian(ReadOnlySpan(bytes, at, 8)))
            let data = bytes[at + 12 .. at + 11 + length]
            Expect.equal (number (at + 8)) (maskedCrc bytes[at .. at + 7]) "the checksum of a length"
            Expect.equal (number (at + 12 + length)) (maskedCrc data) "the checksum of a record"
            data :: from (at + 16 + length)

    from 0

type private Wire =
    | Varint of uint64
    | Bytes of byte[]

/// The fields of a protobuf message, by number.
let private fields (message: byte[]) : (int * Wire) list =
    let mutable at = 0

    let varint () =
        let mutable value = 0UL
        let mutable shift = 0
        let mutable goesOn = true

        while goesOn do
            value <- value ||| (uint64 (message[at] &&& 0x7Fuy) <<< shift)
            goesOn <- message[at] >= 0x80uy
            shift <- shift + 7
            at <- at + 1

        value

    let take (count: int) =
        at <- at + count
        Bytes message[at - count .. at - 1]

    [
        while at < message.Length do
            let key = varint ()

            let value =
                match key &&& 7UL with
                | 0UL -> Varint(varint ())
                | 1UL -> take 8
                | 2UL -> take (int (varint ()))
                | _ -> take 4

            int (key >>> 3), value
    ]

/// Every scalar of the event files in a folder: tag, step, value, and seconds since 1970.
let private scalars (folder: string) : (string * int64 * float32 * float) list = [
    for path in Directory.GetFiles(folder, "events.out.tfevents.*") do
        for event in records path |> List.map fields do
            let step =
                event
                |> List.tryPick (function
                    | 2, Varint step -> Some(int64 step)
                    | _ -> None)

            let time =
                event
                |> List.pick (function
                    | 1, Bytes time -> Some(BitConverter.ToDouble(time, 0))
                    | _ -> None)

            for field in event do
                match field with
                | 5, Bytes summary ->
                    for value in fields summary do
                        match value with
                        | 1, Bytes value ->
                            let parts = dict (fields value)

                            match parts[1], parts[2] with
                            | Bytes tag, Bytes number ->
                                Encoding.UTF8.GetString tag,
                                Option.defaultValue 0L step,
                                BitConverter.ToSingle(number, 0),
                                time
                            | _ -> failtest "a value of another kind"
                        | _ -> ()
                | _ -> ()
]

let private logged (folder: string) = [
    for line in (MetricsLog.OfFolder folder).Lines do
        for KeyValue(name, value) in line.Values do
            $"{name}/{line.Phase}", line.Step, float32 value
]

[<Tests>]
let tests =
    testSequenced
    <| testList "TensorBoard" [
        testInDirectory "the events are the lines of the log, once each, also of a run that went on"
        <| fun directory ->
            let experiment = SmallRuns.classes directory 1
            let settings = { Settings.none with TensorBoard = true }
            quietly (fun () -> Running.train settings experiment |> ignore)
            let folder = experiment.Out.Value
            let events = Path.Combine(folder, "tensorboard")
            let sorted (values: (string * int64 * float32) list) = List.sort values
            let found () = scalars events |> List.map (fun (tag, step, value, _) -> tag, step, value) |> sorted
            Expect.isGreaterThan (found ()).Length 50 "scalars"
            Expect.equal (found ()) (sorted (logged folder)) "of a run"

            let longer = { experiment with Method = experiment.Method.WithSteps 80 }

            quietly (fun () -> Running.train { settings with Resume = true } longer |> ignore)
            Expect.isTrue (found () |> List.exists (fun (_, step, _) -> step = 80L)) "the steps since"
            Expect.equal (found ()) (sorted (logged folder)) "of a run that went on"
            Expect.hasLength (Directory.GetFiles events) 1 "one file"
            let now = DateTimeOffset.UtcNow.ToUnixTimeSeconds() |> float

            for _, _, _, time in scalars events do
                Expect.isTrue (abs (now - time) < 3600.0) "the time"

        testInDirectory "without the option there are none, and the command line has it"
        <| fun directory ->
            let folder = SmallRuns.ofClasses directory 1
            Expect.isFalse (Directory.Exists(Path.Combine(folder, "tensorboard"))) "none"
            let out = Path.Combine(directory, "toy")
            let code, _, errors = Clone.modnet [ "demo"; "--steps"; "50"; "--tensorboard"; "--out"; out ]
            Expect.equal code 0 errors

            Expect.equal
                (scalars (Path.Combine(out, "tensorboard"))
                 |> List.map (fun (tag, step, value, _) -> tag, step, value)
                 |> List.sort)
                (List.sort (logged out))
                "by the command line"
    ]
