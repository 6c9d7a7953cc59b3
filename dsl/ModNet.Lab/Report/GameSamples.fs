namespace ModNet

open System.IO
open ModNet.Runtime
open TorchSharp

/// What one player of a game gave at one table when its run ended.
type GameSamples = {
    Player: string
    /// From 0.
    Table: int
    /// A row for each sample.
    Values: float32 array array
    /// The class that each sample was asked for, where players read `Wire.Label`.
    Classes: int array option
}

/// Samples in the folders of games.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module GameSamples =

    /// The file in a run's folder: `PLAYER/TABLE` [samples, width], and `classes` [samples] where there are some.
    [<Literal>]
    let FileName = "samples.safetensors"

    let private rows (tensor: torch.Tensor) : float32 array array =
        let values = TensorArrays.Vector<float32>(tensor.to_type torch.float32)
        let width = if tensor.shape[0] = 0L then 1 else values.Length / int tensor.shape[0]
        Array.chunkBySize (max 1 width) values

    /// Samples of the players of these names and numbers, so many from each table.
    let internal draw (game: Runtime.Game) (players: (string * int) list) (count: int) : GameSamples list = [
        for name, number in players do
            for table in 0 .. game.Plan.Tables - 1 do
                use _scope = torch.NewDisposeScope()
                let struct (samples, classes) = game.Sample(number, table, int64 count)

                {
                    Player = name
                    Table = table
                    Values = rows samples
                    Classes = Option.ofObj classes |> Option.map (TensorArrays.Vector<int64> >> Array.map int)
                }
    ]

    let internal write (folder: RunFolder) (all: GameSamples list) : unit =
        use _scope = torch.NewDisposeScope()
        let tensors = System.Collections.Generic.Dictionary<string, torch.Tensor>()

        for samples in all do
            tensors.Add(
                $"{samples.Player}/{samples.Table}",
                torch.tensor(Array.concat samples.Values).view(int64 samples.Values.Length, -1L)
            )

            match samples.Classes with
            | Some classes -> tensors["classes"] <- torch.tensor (Array.map int64 classes)
            | None -> ()

        Safetensors.Write(folder.PathOf FileName, tensors)

    /// The samples of a player in a run's folder, a part for each table. Raises UserException where there are none.
    /// Example: `fun (run: StudyRun) -> GameSamples.read run.Folder "g"`
    let read (folder: string) (player: string) : GameSamples list =
        let path = Path.Combine(folder, FileName)

        if not (File.Exists path) then
            Refusal.refuse folder $"the folder of a game that ended, with {FileName}" "none" "run the game to its end"

        use _scope = torch.NewDisposeScope()
        let tensors = Safetensors.Read path

        let classes =
            match tensors.TryGetValue "classes" with
            | true, classes -> Some(TensorArrays.Vector<int64> classes |> Array.map int)
            | _ -> None

        let found = [
            for KeyValue(name, values) in tensors do
                let cut = name.LastIndexOf '/'

                if cut >= 0 && name[.. cut - 1] = player then
                    { Player = player; Table = int name[cut + 1 ..]; Values = rows values; Classes = classes }
        ]

        if found.IsEmpty then Refusal.refuse path $"samples of `{player}`" "none" "name a player that a critic judges"

        found |> List.sortBy _.Table
