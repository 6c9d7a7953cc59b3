using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The result of a forward pass.</summary>
/// <param name="Features">What the head reads, [B, …].</param>
/// <param name="Tape">The record of the choices made on the way.</param>
public sealed record GraphOutput(Tensor Features, Tape Tape);

/// <summary>What candidates of datapoints came to at the last site.</summary>
/// <param name="Features">What the next node reads, of the d distinct rows.</param>
/// <param name="Rows">Which of the candidates·B rows are the same.</param>
/// <param name="Tape">The record of the choices of all candidates·B rows.</param>
/// <param name="Composition">The compositions of all rows, row by row; null where they have to be read from an accelerator.</param>
internal sealed record AcrossSites(Tensor Features, DistinctRows Rows, Tape Tape, long[]? Composition);

/// <summary>
/// A modular network: nodes in order, then a head. The head gives p(y|x, a, θ), and the controllers on the way give p(a|x, φ) (Eq. 3).
/// </summary>
/// <namespacedoc><summary>
/// The runtime: modules and controllers as graphs on TorchSharp, the methods that train them, data, and the folders of runs. C# programs build graphs with it by hand.
/// </summary></namespacedoc>
public sealed class Graph : GraphPart
{
    private readonly Node[] _nodes;
    private readonly int _firstSite;
    private readonly int _lastSite;
    private readonly Lock _evaluationGate = new();
    private int _evaluations;
    private bool _before;

    /// <summary>Takes the nodes and the head over, and registers the nodes under their names and each pool once under its own name.</summary>
    public Graph(IReadOnlyList<Node> nodes, Head head)
        : base("graph")
    {
        _nodes = [.. nodes];
        Head = head;
        _firstSite = Array.FindIndex(_nodes, n => n.HasSites);
        _lastSite = Array.FindLastIndex(_nodes, n => n.HasSites);
        Pools = [.. _nodes.SelectMany(n => n.Pools).Distinct()];
        Spread = new(Pools);
        // Pools have a namespace of their own, where a user's names cannot clash with those of nodes.
        register_module("pools", new PoolSet(Pools));
        foreach (Node node in _nodes)
        {
            register_module(node.Name, node);
        }

        register_module("head", head);
    }

    /// <summary>The nodes, in order.</summary>
    public IReadOnlyList<Node> Nodes => _nodes;

    /// <summary>The distinct pools, in order of first use.</summary>
    public IReadOnlyList<ModulePool> Pools { get; }

    /// <summary>Whether there are modules that live on ranks (<see cref="SpreadPool"/>): all ranks then run every pass together.</summary>
    public bool IsSpread => Spread.Any;

    /// <summary>The number of parameters, those that live on other ranks included.</summary>
    public long ParameterCount => parameters().Sum(p => p.numel() * (Spread.Hold(p) ? 1 + Spread.Elsewhere : 1));

    /// <summary>The pools whose modules live on ranks.</summary>
    internal SpreadPools Spread { get; }

    /// <summary>The head, which gives p(y|features).</summary>
    public Head Head { get; }

    /// <summary>Whether candidates that made the same choices share their rows (<see cref="CandidatesAcrossSites"/>).</summary>
    internal bool SharesChoices { get; set; } = true;

    /// <summary>Is called with every node and its output while <see cref="Finiteness"/> looks for the first value that is not finite; else null.</summary>
    internal Action<Node, Tensor>? Watch { get; set; }

    /// <summary>Whether the graph has sites, that is, whether anything is chosen.</summary>
    public bool HasSites => _firstSite >= 0;

    /// <summary>The largest M of any pool; 1 where there is no pool.</summary>
    public int MaxModules => Pools.Count == 0 ? 1 : Pools.Max(p => p.Count);

    /// <summary>Whether there is more than one composition to choose from.</summary>
    public bool HasChoice => _nodes.SelectMany(n => n.Controllers).Any(c => c.Latent && c.Modules > 1);

    /// <summary>G, the number of given choices that a datapoint must bring, over all layers that read them.</summary>
    public long GivenChoices => GivenBefore(_nodes.Length);

    /// <summary>
    /// Runs all nodes in order on x [B, …]. <paramref name="selector"/> makes the choices, and <paramref name="side"/> holds what the
    /// datapoints bring beside x. Recurrent layers start from <paramref name="carried"/> and leave their last h there; without it they
    /// start at zero.
    /// </summary>
    public GraphOutput Forward(Tensor x, Selector selector, SideInputs? side = null, RecurrentState? carried = null) =>
        Run(x, Way(selector, side, 0, carried), 0, _nodes.Length);

    /// <summary>
    /// Runs <paramref name="body"/> without gradient and with dropout off, then restores the mode. Several threads may do so at the same
    /// time, as long as none trains.
    /// </summary>
    public TResult InEvaluation<TResult>(Func<TResult> body)
    {
        using var noGrad = no_grad();
        EnterEvaluation();
        try
        {
            return body();
        }
        finally
        {
            LeaveEvaluation();
        }
    }

    // The first of several threads sets the mode and the last restores it, so that no thread runs in training mode.
    private void EnterEvaluation()
    {
        lock (_evaluationGate)
        {
            if (_evaluations++ == 0)
            {
                _before = training;
                eval();
            }
        }
    }

    private void LeaveEvaluation()
    {
        lock (_evaluationGate)
        {
            if (--_evaluations == 0)
            {
                train(_before);
            }
        }
    }

    /// <summary>Runs the nodes before the first site, which give the same for every composition of a datapoint.</summary>
    internal Tensor BeforeSites(Tensor x, SideInputs? side, RecurrentState? carried = null, FullBatch? fullBatch = null) =>
        Run(x, Way(Asked(fullBatch), side, 0, carried), 0, HasSites ? _firstSite : _nodes.Length).Features;

    /// <summary>
    /// Runs the nodes from the first site to the last on <paramref name="candidates"/> compositions of every datapoint: x has B rows, and
    /// <paramref name="side"/> has candidates·B rows, candidate-major. On the CPU, candidates that made the same choices so far share their rows in all
    /// layers but those over sequences, so that a stack of sites runs a layer once for every distinct pair of datapoint and choices.
    /// </summary>
    /// <remarks>On an accelerator each layer would have to wait for the choices of the last, so only the first layer, which all candidates of a datapoint reach with the
    /// same x, runs its controller and modules on B rows, and equal candidates run as others do.</remarks>
    internal AcrossSites CandidatesAcrossSites(Tensor x, Selector selector, SideInputs? side, RecurrentState? carried, int candidates)
    {
        var rows = new DistinctRows((int)x.shape[0], candidates);
        Route route = Way(selector, side, _firstSite, carried);
        // The decision goes by the full batch: a chunk with one candidate runs as a chunk with several does.
        bool several = HasSites && x.dim() != 3 && (candidates > 1 || selector.FullBatch.AllCandidates > 1);
        bool waits = Accelerator.Holds(x);
        if (several && !waits && SharesChoices)
        {
            route.Rows = rows;
            x = Run(x, route, _firstSite, _lastSite + 1).Features;
        }
        else if (several && _nodes[_firstSite] is ModularLayer first)
        {
            x = Run(first.Forward(x, route, candidates), route, _firstSite + 1, _lastSite + 1).Features;
        }
        else
        {
            x = HasSites ? Run(x.Tile(candidates), route, _firstSite, _lastSite + 1).Features : x.Tile(candidates);
        }

        if (waits && HasSites)
        {
            return new(x, DistinctRows.Each(rows.Count, candidates), route.Tape, null);
        }

        long[] composition = HasSites ? TensorArrays.Vector<long>(route.Tape.Composition()) : [];
        if (route.Rows is null)
        {
            rows = rows.After(composition);
            return new(rows.Pick(x), rows, route.Tape, composition);
        }

        return new(x, route.Rows, route.Tape, composition);
    }

    /// <summary>Runs the nodes from the first site to the last with one composition of every row of x.</summary>
    internal GraphOutput AcrossSites(Tensor x, Selector selector, SideInputs? side) =>
        HasSites ? Run(x, Way(selector, side, _firstSite, null), _firstSite, _lastSite + 1) : new(x, new Tape());

    /// <summary>Runs the nodes after the last site.</summary>
    internal Tensor AfterSites(Tensor x, SideInputs? side, RecurrentState? carried = null, FullBatch? fullBatch = null) =>
        HasSites ? Run(x, Way(Asked(fullBatch), side, _lastSite + 1, carried), _lastSite + 1, _nodes.Length).Features : x;

    /// <summary>Runs one datapoint through all nodes in evaluation mode: its tape, and what one of <paramref name="rows"/> rows holds.</summary>
    internal (Tape Tape, Footprint Footprint) Probe(Tensor x, SideInputs? side, long rows) =>
        Footprint.Of(footprint =>
        {
            footprint.Pass(x.numel());
            return InEvaluation(() => Run(x, new Route(Asked(new(1, rows)), side), 0, _nodes.Length).Tape);
        });

    private Route Way(Selector selector, SideInputs? side, int from, RecurrentState? carried) =>
        new(selector, side, GivenBefore(from), carried);

    // The selector of nodes that choose nothing, or whose choice does not matter: layers ask it for the full batch alone.
    private static ModeSelector Asked(FullBatch? fullBatch) => new() { FullBatch = fullBatch ?? FullBatch.Same };

    private GraphOutput Run(Tensor x, Route route, int from, int to)
    {
        for (int i = from; i < to; i++)
        {
            x = _nodes[i].Pass(x, route);
            Watch?.Invoke(_nodes[i], x);
            Footprint.Current?.Pass(x.numel());
        }

        return new(x, route.Tape);
    }

    private long GivenBefore(int node) =>
        _nodes.Take(node).SelectMany(n => n.Controllers).Sum(c => (long)c.TakesGiven);

    private sealed class PoolSet : GraphPart
    {
        internal PoolSet(IEnumerable<ModulePool> pools)
            : base("pools")
        {
            foreach (ModulePool pool in pools)
            {
                register_module(StateNames.Registered(pool.Name), pool);
            }
        }
    }
}
