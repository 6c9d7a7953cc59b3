namespace ModNet

/// Experiments as whole values.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Experiment =

    /// The experiment as JSON text, `{ "version": 2, "experiment": … }`; `of_json` gives it back exactly.
    let to_json (experiment: Experiment) : string = Document.write "experiment" ExperimentCodec.experiment experiment

    /// The experiment that `to_json` wrote, or what is wrong with the text, at its JSON path.
    let of_json (text: string) : Result<Experiment, Diagnostic> =
        Document.read "experiment" ExperimentCodec.experiment text

    /// The same experiment with the code and the arrays of another: the code of customs of the same name, the function of `generated` of the
    /// same name, the arrays of `in_memory` of the same name and checksum. For an experiment that was read from JSON, which holds none of them.
    /// Example: `Experiment.with_code_of run`
    let with_code_of (source: Experiment) (experiment: Experiment) : Experiment =
        let rec given (source: Data) (data: Data) =
            match source, data with
            | Data.InMemory source, Data.InMemory data when source.Name = data.Name && source.Checksum = data.Checksum ->
                Data.InMemory { data with Arrays = source.Arrays }
            | Data.Generated source, Data.Generated data when source.Name = data.Name ->
                Data.Generated { data with Draw = source.Draw }
            | Data.Stream source, Data.Stream data ->
                let task (task: StreamTask) =
                    source.Tasks
                    |> List.tryFind (fun other -> other.Name = task.Name)
                    |> Option.map (fun other -> { task with Data = given other.Data task.Data })
                    |> Option.defaultValue task

                Data.Stream { data with Tasks = data.Tasks |> List.map task }
            | _ -> data

        let method =
            match source.Method, experiment.Method with
            | Method.Game source, Method.Game game ->
                let player (player: Player) =
                    source.Players
                    |> List.tryFind (fun other -> other.Name = player.Name)
                    |> Option.map (fun other -> {
                        player with
                            Network = Network.with_customs (Network.customs other.Network) player.Network
                    })
                    |> Option.defaultValue player

                Method.Game { game with Players = List.map player game.Players }
            | _, method -> method

        {
            experiment with
                Network = Network.with_customs (Network.customs source.Network) experiment.Network
                Method = method
                Data = given source.Data experiment.Data
        }
