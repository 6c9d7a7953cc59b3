namespace ModNet

open ModNet.Runtime

/// Edits of the units of layers that choose nothing.
[<RequireQualifiedAccess>]
module internal EditUnits =

    let private narrower (count: int) (layer: Layer) =
        match layer with
        | Layer.Linear spec -> Layer.Linear { spec with Width = spec.Width - count }
        | Layer.Conv spec -> Layer.Conv { spec with Channels = spec.Channels - count }
        | other -> other

    let exclude (layer: string) (units: int seq) (run: TrainedNetwork) : TrainedNetwork =
        let gone = Seq.distinct units |> Seq.sort |> Seq.toArray
        let state = UnitEdit.Exclude(run.Origin.State.Tensors, run.Graph, layer, gone)
        let numbers = gone |> Array.map string<int> |> String.concat " "

        let step =
            EditStep.ofNetwork $"exclude-units {layer} {numbers}" (if gone.Length = 0 then Nothing else Everything)

        let experiment = {
            run.Experiment with
                Network = run.Experiment.Network |> NamedLayers.change layer (narrower gone.Length)
        }

        run |> EditedNetwork.make step experiment (fun _ -> state)
