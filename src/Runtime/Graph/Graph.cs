using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What a forward pass leaves: the head's input, and the tape of the choices made on the way.</summary>
public sealed record GraphOutput(Tensor Features, Tape Tape);

/// <summary>
/// Nodes in order, then a head: a distribution p(y|x, a, θ) and, through the controllers on the way, p(a|x, φ) (Eq. 3).
/// </summary>
public sealed class Graph : nn.Module
{
    private readonly Node[] _nodes;
    private readonly int _firstSite;
    private readonly int _lastSite;
    private readonly Lock _evaluationGate = new();
    private int _evaluations;
    private bool _before;

    /// <summary>Takes the nodes over, and registers them under their names. Pools used by several nodes are registered once, under their own name.</summary>
    public Graph(IReadOnlyList<Node> nodes, Head head)
        : base("graph")
    {
        _nodes = [.. nodes];
        Head = head;
        _firstSite = Array.FindIndex(_nodes, n => n.HasSites);
        _lastSite = Array.FindLastIndex(_nodes, n => n.HasSites);
        Pools = [.. _nodes.SelectMany(n => n.Pools).Distinct()];
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

    /// <summary>p(y|features).</summary>
    public Head Head { get; }

    /// <summary>Told of what each node gives, while something is looked for.</summary>
    internal Action<Node, Tensor>? Watch { get; set; }

    /// <summary>Whether anything is chosen at all.</summary>
    public bool HasSites => _firstSite >= 0;

    /// <summary>The largest M of any pool; 1 where there is none.</summary>
    public int MaxModules => Pools.Count == 0 ? 1 : Pools.Max(p => p.Count);

    /// <summary>Whether there is more than one composition to choose from.</summary>
    public bool HasChoice => _nodes.SelectMany(n => n.Controllers).Any(c => c.Latent && c.Modules > 1);

    /// <summary>G: the given choices that a datapoint must bring along, over all layers that read them.</summary>
    public long GivenChoices => GivenBefore(_nodes.Length);

    /// <summary>
    /// All nodes in order, choices by <paramref name="selector"/>; <paramref name="side"/> is what the datapoints bring
    /// beside x, for the layers that read it. Recurrent layers start from <paramref name="carried"/> and leave their last h
    /// there; without it they start at zero.
    /// </summary>
    public GraphOutput Forward(Tensor x, Selector selector, SideInputs? side = null, RecurrentState? carried = null) =>
        Run(x, Way(selector, side, 0, carried), 0, _nodes.Length);

    /// <summary>
    /// Runs <paramref name="body"/> without gradient and with dropout off, then goes back to the mode before. Several threads may at
    /// once, as long as none trains.
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

    // The first of several threads sets the mode, and the last sets it back: none runs in another's training mode.
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

    /// <summary>The nodes before the first site: the same for every composition of a datapoint.</summary>
    internal Tensor BeforeSites(Tensor x, SideInputs? side, RecurrentState? carried = null, FullBatch? fullBatch = null) =>
        Run(x, Way(Asked(fullBatch), side, 0, carried), 0, HasSites ? _firstSite : _nodes.Length).Features;

    /// <summary>
    /// The nodes from the first site to the last, for <paramref name="candidates"/> compositions of every datapoint: x [B, …],
    /// <paramref name="side"/> and the output of candidates·B rows, candidate-major. What the first site's controller and
    /// modules do is the same for all candidates, so a modular layer there does it once.
    /// </summary>
    internal GraphOutput AcrossSites(
        Tensor x, Selector selector, SideInputs? side, RecurrentState? carried = null, int candidates = 1)
    {
        if (!HasSites)
        {
            return new(x.Tile(candidates), new Tape());
        }

        Route route = Way(selector, side, _firstSite, carried);
        // The decision goes by the full batch: a chunk with one candidate runs as a chunk with several does.
        bool several = candidates > 1 || selector.FullBatch.AllCandidates > 1;
        if (!several || x.dim() == 3 || _nodes[_firstSite] is not ModularLayer first)
        {
            return Run(x.Tile(candidates), route, _firstSite, _lastSite + 1);
        }

        return Run(first.Forward(x, route, candidates), route, _firstSite + 1, _lastSite + 1);
    }

    /// <summary>The nodes after the last site.</summary>
    internal Tensor AfterSites(Tensor x, SideInputs? side, RecurrentState? carried = null, FullBatch? fullBatch = null) =>
        HasSites ? Run(x, Way(Asked(fullBatch), side, _lastSite + 1, carried), _lastSite + 1, _nodes.Length).Features : x;

    /// <summary>One datapoint's way through all nodes, in evaluation mode: its tape, and what a row of so many holds.</summary>
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
            x = _nodes[i].Forward(x, route);
            Watch?.Invoke(_nodes[i], x);
            Footprint.Current?.Pass(x.numel());
        }

        return new(x, route.Tape);
    }

    private long GivenBefore(int node) =>
        _nodes.Take(node).SelectMany(n => n.Controllers).Where(c => !c.Latent).Sum(c => (long)c.Choose);

    /// <summary>Nothing: what a graph holds it registers itself.</summary>
    protected override void RegisterComponents()
    {
    }

    private sealed class PoolSet : nn.Module
    {
        internal PoolSet(IEnumerable<ModulePool> pools)
            : base("pools")
        {
            foreach (ModulePool pool in pools)
            {
                // A dot would read as a path in parameter names. No name has two slashes side by side, so names stay apart.
                register_module(pool.Name.Replace(".", "//"), pool);
            }
        }

        protected override void RegisterComponents()
        {
        }
    }
}
