namespace ModNet

open ModNet.Runtime
open TorchSharp

/// The toy regression's points, as an experiment of the same seed draws them.
[<RequireQualifiedAccess>]
module ToyProblem =

    /// The values of a tensor [N, D].
    let internal rows (t: torch.Tensor) : float[,] =
        let flat = TensorArrays.Vector<float> t
        Array2D.init (int t.shape[0]) (int t.shape[1]) (fun i j -> flat[i * int t.shape[1] + j])

    /// The problem, with the points to train on and those held out.
    let internal draw (seed: int) (data: ModNet.ToyRegression) : Runtime.ToyRegression * ToyPoints * ToyPoints =
        use streams = new RandomStreams(int64 (seed + data.SeedOffset))

        let problem = new Runtime.ToyRegression(data.Dimensions, data.Separation, data.Spread, streams.Data)

        let train = problem.Draw data.Points
        problem, train, problem.Draw data.HeldOut

    /// Inputs [N, D], targets [N, D] and components [N], from 0, of the points that are trained on. Raises UserException for
    /// data that are no toy regression.
    /// Example: `let inputs, targets, components = ToyProblem.points 1 (toy_regression { })`
    let points (seed: int) (data: Data) : float[,] * float[,] * int[] =
        Machine.EnsureReady()

        match data with
        | Data.ToyRegression toy ->
            use _scope = torch.NewDisposeScope()
            let problem, train, _ = draw seed toy
            use _problem = problem
            rows train.Data.Inputs, rows train.Data.Targets, train.Components
        | _ -> Refusal.refuse "ToyProblem.points" "toy_regression" "other data" "say toy_regression { }"
