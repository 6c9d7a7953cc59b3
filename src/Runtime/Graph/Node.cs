using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// One step of a graph. Its input has the batch dimension first: vectors are [B, n], sequences [B, T, n], and images [B, C, H, W].
/// </summary>
public abstract class Node(string name) : GraphPart(name)
{
    /// <summary>The controllers inside, in the order in which they are asked. Those of given choices are among them.</summary>
    public virtual IEnumerable<Controller> Controllers => [];

    /// <summary>Whether the node asks the route's selector for choices.</summary>
    public bool HasSites => Controllers.Any(c => c.Latent);

    /// <summary>The pools that the node uses. The graph registers each pool once, however many nodes share it.</summary>
    public virtual IEnumerable<ModulePool> Pools => [];

    /// <summary>The node's output for x [B, …] → [B, …]. It makes its choices through <paramref name="route"/>.</summary>
    public abstract Tensor Forward(Tensor x, Route route);

    /// <summary>
    /// Whether <see cref="Forward"/> also takes the rows that the route says are distinct (<see cref="Route.Rows"/>), which nodes without controllers always do.
    /// </summary>
    internal virtual bool TakesDistinctRows => !Controllers.Any();

    /// <summary>
    /// Whether what it gives at a step depends on earlier steps, or on the step's place, and no state tells the next window of them. A text is then read a window at a time.
    /// </summary>
    internal virtual bool ReadsWholeWindow => false;

    /// <summary>Runs the node on the rows that it takes.</summary>
    internal Tensor Pass(Tensor x, Route route) =>
        Forward(route.Rows is null || TakesDistinctRows ? x : route.Whole(x), route);

    /// <summary>Adds the node's steps to a <see cref="Predictor"/>, in evaluation mode. UserException where it needs libtorch's tensors.</summary>
    internal virtual RowValue ToRows(RowPlan plan, RowValue x) => throw plan.Refusal(GetType().Name);

    /// <summary>Adds the node's operators to an ONNX graph, in evaluation mode. UserException where an ONNX file cannot hold the node.</summary>
    internal virtual OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) => throw onnx.Refusal(GetType().Name);
}
