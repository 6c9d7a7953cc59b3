namespace ModNet

open ModNet.Runtime
open TorchSharp

/// Planned layers as nodes: those that choose nothing, and those that hold others.
module internal CompileLayer =

    /// Whether rows may halt in these layers.
    let private halts (layers: Layer list) =
        LayerTree.all layers
        |> List.exists (function
            | Layer.Modular modular -> modular.Halts
            | _ -> false)

    /// A layer without choices inside; None for inputs and heads. `inside` makes what a container holds.
    let plain
        (root: string)
        (init: Initialiser)
        (dropout: torch.Generator)
        (inside: PlannedLayer list -> Node list)
        (planned: PlannedLayer)
        : Node option =
        let name = planned.Name
        let features = RuntimeWords.features planned.Input

        let chains () = [|
            for layers in planned.Inside -> ResizeArray(inside layers) :> System.Collections.Generic.IReadOnlyList<Node>
        |]

        match planned.Layer with
        | Layer.Tokens _
        | Layer.Features _
        | Layer.Sequence _
        | Layer.Image _
        | Layer.Tasks _
        | Layer.Softmax _
        | Layer.Categorical
        | Layer.Gaussian _
        | Layer.Bernoulli
        // Made where pools and the head are known.
        | Layer.Boundary _
        | Layer.Modular _
        | Layer.ModularGru _ -> None
        | Layer.Embed width -> Some(new EmbedNode(name, features, width, init))
        | Layer.EmbedColumns columns ->
            let columns = [|
                for column in columns -> Runtime.EmbeddedColumn(column.Column, column.Categories, column.Width)
            |]

            Some(new EmbedColumnsNode(name, features, columns, init))
        | Layer.Linear spec ->
            let activation = RuntimeWords.activation spec.Activation
            Some(new LinearNode(name, features, spec.Width, activation, spec.Bias, init))
        | Layer.Conv spec ->
            let activation = RuntimeWords.activation spec.Activation
            Some(new ConvNode(name, features, RuntimeWords.convolution spec, activation, spec.Bias, init))
        | Layer.ConvTranspose spec ->
            let activation = RuntimeWords.activation spec.Activation
            Some(new ConvTransposeNode(name, features, RuntimeWords.convolution spec, activation, spec.Bias, init))
        | Layer.Conv1d spec ->
            let activation = RuntimeWords.activation spec.Activation

            Some(new Conv1dNode(name, features, spec.Channels, spec.Kernel, spec.Dilation, activation, spec.Bias, init))
        | Layer.SelfAttention spec -> Some(new SelfAttentionNode(name, features, spec.Heads, spec.Causal, init))
        | Layer.Positions -> Some(new PositionsNode(name))
        | Layer.LearnedPositions steps -> Some(new LearnedPositionsNode(name, steps, features, init))
        | Layer.LastStep -> Some(new OverStepsNode(name, OverSteps.Last))
        | Layer.MeanSteps -> Some(new OverStepsNode(name, OverSteps.Mean))
        | Layer.AsImage(channels, height, width) -> Some(new AsImageNode(name, channels, height, width))
        | Layer.Slice(first, width) -> Some(new SliceNode(name, first, width))
        | Layer.MaxPool spec -> Some(new PoolingNode(name, Pooling.Max, spec.Window, spec.Stride))
        | Layer.AvgPool spec -> Some(new PoolingNode(name, Pooling.Average, spec.Window, spec.Stride))
        | Layer.Upsample factor -> Some(new UpsampleNode(name, factor))
        | Layer.Flatten -> Some(new FlattenNode(name))
        | Layer.Activation kind -> Some(new ActivationNode(name, RuntimeWords.activation (Some kind)))
        | Layer.Dropout rate -> Some(new DropoutNode(name, rate, dropout))
        | Layer.LayerNorm -> Some(new LayerNormNode(name, RuntimeWords.normalised planned.Input, init))
        | Layer.BatchNorm -> Some(new BatchNormNode(name, features, init))
        | Layer.ActivityL1 weight -> Some(new ActivityL1Node(name, weight))
        | Layer.Locality weight -> Some(new LocalityNode(name, weight))
        | Layer.Gru hidden -> Some(new GruNode(name, features, hidden, init))
        | Layer.Lstm hidden -> Some(new LstmNode(name, features, hidden, init))
        | Layer.Residual _ -> Some(new ResidualNode(name, (chains ())[0]))
        | Layer.Coupling _ -> Some(new CouplingNode(name, (chains ())[0], isInverse = false))
        | Layer.Uncoupling _ -> Some(new CouplingNode(name, (chains ())[0], isInverse = true))
        | Layer.SumOf _ -> Some(new BranchNode(name, Runtime.Combine.Sum, chains ()))
        | Layer.ConcatOf _ -> Some(new BranchNode(name, Runtime.Combine.Concat, chains ()))
        | Layer.Repeat _ ->
            let rounds =
                chains () |> Array.mapi (fun index nodes -> new ChainNode($"{name}/{index + 1}", nodes) :> Node)

            Some(new ChainNode(name, rounds))
        | Layer.Block(_, layers) when halts layers -> Some(new ProgramNode(name, (chains ())[0]))
        | Layer.Block _ -> Some(new ChainNode(name, (chains ())[0]))
        | Layer.Custom custom -> Some(new CustomNode(name, CompileCustom.make $"{root}/{name}" init custom))

    /// The layers of a module, which makes no choices.
    let rec chain root init dropout (layers: PlannedLayer list) : Node list =
        layers |> List.choose (plain root init dropout (chain root init dropout))
