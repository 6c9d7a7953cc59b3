namespace ModNet

open ModNet.Runtime
open TorchSharp

/// Decoders for the modules of a pool, which stay as they are: networks that go the other way.
[<RequireQualifiedAccess>]
module internal EditDecoder =

    // A layer's own pool has the layer's place in its name.
    let private plain (pool: string) = pool.Replace('/', '-')

    let reversed (pool: string) (rows: int) (run: TrainedNetwork) : Data =
        let planned = EditSpec.pool run.Plan pool

        if rows < 10 then
            Refusal.refuse
                "reversed"
                "a number of rows ≥ 10"
                (string rows)
                "a tenth is held out, and another for the test"

        use _scope = torch.NewDisposeScope()

        let struct (x, modules) =
            Trained.withData run (fun _ opened ->
                let train = opened.Source.Splits.Train

                RoutedRows.WithModules(run.Graph, run.Evaluating, train, pool, train.Count, int64 rows, run.Device))

        let known = run.Graph.Pools |> Seq.find (fun known -> known.Name = pool)
        let numbers = TensorArrays.Vector<int64> modules |> Array.map int

        use _frozen = torch.no_grad ()

        // What each module gives of its rows, put back into their order.
        let spoken: torch.Tensor =
            let places number = [|
                for place, own in Array.indexed numbers do
                    if own = number then int64 place
            |]

            let parts = [|
                for number in Array.distinct numbers do
                    let places = places number
                    let own = x.index_select (0L, torch.tensor places)
                    places, known.Apply(number, own.``to`` (run.Device)).cpu()
            |]

            let order = torch.tensor(parts |> Array.collect fst).argsort()
            torch.cat(parts |> Array.map snd, 0L).index_select(0L, order)

        let choices = numbers |> Array.map List.singleton |> array2D
        let tenth = numbers.Length / 10
        let flat = x.flatten 1L

        let data = in_memory $"what {plain pool} gives"

        match planned.Output with
        | Shape.Vector _
        | Shape.Image _ ->
            data {
                inputs spoken
                values flat
                given choices
                held_out tenth
                test tenth
            }
        | shape ->
            Refusal.refuse
                $"pool {pool}"
                "modules that give a vector or an image"
                (ShapeRules.Describe shape)
                "decode another pool"

    /// How many rows a decoder learns from, how wide its hidden layer is at least, and for how long it learns, unless a script says so itself.
    let private rows, narrowest, count = 20_000, 32, 3_000

    let experiment (pool: string) (run: TrainedNetwork) : Experiment =
        let planned = EditSpec.pool run.Plan pool
        let pairs = reversed pool rows run

        let learned = Sources.points pairs |> Option.map fst |> Option.defaultValue rows

        let size shape = int (ShapeRules.Values shape)
        let width = max narrowest (max (size planned.Input) (size planned.Output))

        let back =
            network $"{run.Experiment.Network.Name}-{plain pool}-decoder" {
                match planned.Output with
                | Shape.Image(channels, height, width) ->
                    image (channels, height, width)
                    flatten
                | shape -> features (size shape)

                modular {
                    modules planned.Pool.Modules

                    unit (
                        chain {
                            linear width |> relu
                            linear (size planned.Input)
                        }
                    )

                    choose 1
                    controller Given
                }

                gaussian (learned_variance 1.0)
            }

        experiment {
            net back
            data pairs

            train (
                static_modules {
                    batch (min 128 learned)
                    steps count
                    optimizer (Adam 1e-3)
                }
            )

            seed run.Experiment.Seed
            device run.Experiment.Device
        }

    /// R² of what a decoder says of the test rows of its data.
    let private fit (decoder: TrainedNetwork) : float =
        use _scope = torch.NewDisposeScope()

        Trained.withData decoder (fun _ opened ->
            let test = Seq.head opened.Source.Splits.Test
            let batch = test.Range(0L, test.Count)
            Distillation.RSquared(decoder.Predict(batch.Inputs, batch.Side).cpu(), batch.Targets))

    let decode (pool: string) (folder: string) (run: TrainedNetwork) : TrainedNetwork * float =
        let declared = { experiment pool run with Out = Some folder }
        let sound = Check.experiment declared |> Refusal.orRaise
        Train.run { Settings.none with Resume = true } sound |> Stopping.mustBeFinished folder
        let decoder = Trained.load_as (Experiment.with_code_of declared) folder
        decoder, fit decoder
