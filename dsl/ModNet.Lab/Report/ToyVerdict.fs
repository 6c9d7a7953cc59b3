namespace ModNet

open System.Text.Json.Nodes
open ModNet.Figures
open ModNet.Runtime
open TorchSharp

/// Judges a graph that was trained on the toy regression (paper §3.1): do the modules divide the components between them, and has each module
/// learned its component's map?
[<RequireQualifiedAccess>]
module ToyVerdict =

    /// The component that most of a module's datapoints come from; none for a module that no datapoint chose.
    let private componentOf (chosen: int[]) (components: int[]) (m: int) =
        Array.zip chosen components
        |> Array.filter (fun (a, _) -> a = m)
        |> Array.countBy snd
        |> fun counts -> if counts.Length = 0 then None else Some(fst (Array.maxBy snd counts))

    let private line (matrix: float[,]) =
        let row i = String.concat ", " [ for j in 0 .. Array2D.length2 matrix - 1 -> $"%7.4f{matrix[i, j]}" ]

        String.concat "; " [ for i in 0 .. Array2D.length1 matrix - 1 -> row i ]

    /// Agreement: the share of held-out datapoints whose chosen module is, for most of its datapoints, their component's.
    /// It has a meaning where each datapoint makes one choice; other networks are judged by their error alone.
    /// Error: the mean squared error over the variance of the targets.
    let judge
        (problem: Runtime.ToyRegression)
        (held: ToyPoints)
        (graph: Graph)
        (selector: Selector)
        (device: torch.Device)
        : Verdict =
        use _scope = torch.NewDisposeScope()
        use _noGrad = torch.no_grad ()
        graph.eval ()
        let output = graph.Forward(held.Data.Inputs.``to`` (device), selector)
        let predictions = graph.Head.Predict(output.Features).cpu()
        let targets = held.Data.Targets

        let error =
            (predictions - targets).pow(2.0.ToScalar()).mean().ToDouble()
            / targets.var([| 0L |], unbiased = false).mean().ToDouble()

        let modules = graph.MaxModules

        let chosen =
            if output.Tape.Choices = 0 then
                None
            else
                let composition = output.Tape.Composition().cpu()

                // A mixture has weights on several modules where the layer chooses one.
                if composition.shape[1] = 1L then Some(TensorArrays.Vector<int> composition) else None

        let ownersOf chosen = Array.init modules (componentOf chosen held.Components)

        // A component has the colour of the module that most of its datapoints are left to; one that no module has taken, a colour of its own.
        let colourOf: int -> int =
            match chosen with
            | None -> id
            | Some chosen ->
                let owners = ownersOf chosen

                fun c -> owners |> Array.tryFindIndex ((=) (Some c)) |> Option.defaultValue (modules + c)

        let agreement =
            chosen
            |> Option.map (fun chosen ->
                let owners = ownersOf chosen

                Array.zip chosen held.Components
                |> Array.averageBy (fun (a, c) -> if owners[a] = Some c then 1.0 else 0.0))

        let truth = [|
            "R (rotation)", ToyProblem.rows problem.Rotation
            "S (scaling)", ToyProblem.rows problem.Scaling
        |]

        let matrices =
            match chosen, List.ofSeq graph.Pools with
            | Some chosen, [ :? LinearPool as linear ] -> [
                let owners = ownersOf chosen

                for m in 0 .. linear.Count - 1 do
                    yield $"module {m}", ToyProblem.rows (linear.Weight.select (0L, int64 m))

                    match owners[m] with
                    | Some c -> yield truth[c]
                    | None -> ()
              ]
            | _ -> []

        let inputs, targets = ToyProblem.rows held.Data.Inputs, ToyProblem.rows targets
        let predictions = ToyProblem.rows predictions

        {
            Summary = [
                match agreement with
                | Some share -> "agreement", JsonValue.Create share
                | None -> ()

                "held_out_error", JsonValue.Create error
            ]
            Lines = [
                match agreement with
                | Some share -> Verdict.line "agreement of module and component" $"%.2f{100.0 * share} %%"
                | None -> ()

                Verdict.line "held-out error / target variance" $"%.4f{100.0 * error} %%"
                for name, matrix in matrices do
                    Verdict.line name $"[{line matrix}]"
            ]
            Sections =
                fun folder -> [
                    // Only points of a plane can be drawn.
                    match chosen with
                    | Some chosen when problem.Dimensions = 2 ->
                        Section.figure
                            "Figure 3a: the composition learned"
                            "Held-out inputs, and their targets with what the chosen modules make of them. Colour: the module that the controller chose; symbol: the true component."
                            (Toy.composition inputs targets predictions held.Components chosen)
                    | _ -> ()

                    match Toy.curves modules (MetricsLog.OfFolder folder).Lines with
                    | Some curves ->
                        Section.figure
                            "Figure 3b: loss and module selection"
                            "Where the decomposition is found, loss and H_a fall to their floor while H_b stays at log M: all modules are used, each with certainty."
                            curves
                    | None -> ()

                    if not matrices.IsEmpty then
                        Section.matrices
                            "What the modules learned"
                            "Each module's matrix beside the true map of the component that most of its datapoints come from (Eq. 18)."
                            matrices

                    if problem.Dimensions = 2 then
                        Section.figure
                            "Figure 7: the data"
                            "Inputs from two Gaussians; the first component is rotated by R, the second scaled by S. A component has the colour of the module that took most of it."
                            (Toy.dataIn colourOf inputs targets held.Components)
                ]
        }
