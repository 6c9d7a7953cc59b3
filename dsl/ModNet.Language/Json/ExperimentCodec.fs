namespace ModNet

open Codec

/// Fields are written with their defaults too, so a file says all that it means. Settings that came later are written only where they differ from
/// what every experiment did before, so an experiment has the same JSON, and is the same, in every version.
module internal ExperimentCodec =

    let private device =
        union [
            constant "cpu" Cpu
            case
                "cuda"
                (function
                | Cuda index -> Some index
                | _ -> None)
                Cuda
                (one "index" int)
        ]

    let private tracing =
        object (
            fields {
                let! every = field "every" (fun (tracing: Tracing) -> tracing.Every) (option int)
                and! rows = field "rows" _.Rows int
                and! atEnd = field "at_end" _.AtEnd int
                return { Every = every; Rows = rows; AtEnd = atEnd }
            }
        )

    let experiment: Codec<Experiment> =
        object (
            fields {
                let! network = field "network" (fun (experiment: Experiment) -> experiment.Network) NetworkCodec.network
                and! data = field "data" _.Data Sources.codec
                and! method = field "method" _.Method Methods.codec
                and! seed = field "seed" _.Seed int
                and! device = field "device" _.Device device
                and! logEvery = field "log_every" _.LogEvery int
                and! validateEvery = field "validate_every" _.ValidateEvery int
                and! checkpointEvery = field "checkpoint_every" _.CheckpointEvery (option int)
                and! keepCheckpoints = field "keep_checkpoints" _.KeepCheckpoints int
                and! keepBest = unlessPlain "keep_best" true _.KeepBest bool
                and! tracing = field "trace" _.Tracing tracing
                and! frozen = unlessPlain "frozen" [] _.Frozen (list string)
                and! out = field "out" _.Out (option string)

                return {
                    Network = network
                    Data = data
                    Method = method
                    Seed = seed
                    Device = device
                    LogEvery = logEvery
                    ValidateEvery = validateEvery
                    CheckpointEvery = checkpointEvery
                    KeepCheckpoints = keepCheckpoints
                    KeepBest = keepBest
                    Tracing = tracing
                    Frozen = frozen
                    Out = out
                }
            }
        )
