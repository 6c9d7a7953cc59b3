/// What a run has learned and logged, without the time that it took.
module ModNet.Tests.Learned

open System
open System.IO
open System.Text.RegularExpressions
open ModNet.Runtime

/// Whether a tensor of a checkpoint tells the time, or the length of the log, which has times in it.
let isTimed (name: string) = name = "run.seconds" || name = "run.metrics"

/// The bytes of a checkpoint's other tensors, in hexadecimal, by name.
let tensorsIn (path: string) : (string * string) list =
    scoped
    <| fun () -> [
        for KeyValue(name, value) in Safetensors.Read path |> Seq.sortBy _.Key do
            if not (isTimed name) then name, Convert.ToHexString(value.bytes.ToArray())
    ]

/// The same of the newest checkpoint in a run's folder.
let tensorsOf (directory: string) = tensorsIn (Path.Combine(directory, "checkpoint.safetensors"))

/// A line of metrics without its seconds.
let untimed (line: string) = Regex.Replace(line, "\"seconds\":[^,}]*", "")

/// The lines of metrics of the run in a folder.
let metricsOf (directory: string) : string list = [
    for line in File.ReadAllLines(Path.Combine(directory, "metrics.jsonl")) -> untimed line
]
