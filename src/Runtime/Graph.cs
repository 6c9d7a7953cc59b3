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
    internal Tensor BeforeSites(Tensor x, SideInputs? side, RecurrentState? carried = null, Share? share = null) =>
        Run(x, Way(new ModeSelector(), side, 0, carried, share), 0, HasSites ? _firstSite : _nodes.Length).Features;

    /// <summary>
    /// The nodes from the first site to the last, for <paramref name="candidates"/> compositions of every datapoint: x [B, …],
    /// <paramref name="side"/> and the output of candidates·B rows, candidate-major. What the first site's controller and
    /// modules do is the same for all candidates, so a modular layer there does it once.
    /// </summary>
    internal GraphOutput AcrossSites(
        Tensor x, Selector selector, SideInputs? side, RecurrentState? carried = null, int candidates = 1, Share? share = null)
    {
        if (!HasSites)
        {
            return new(EStep.Tile(x, candidates), new Tape());
        }

        Route route = Way(selector, side, _firstSite, carried, share);
        // By all candidates, not by those of this share: what runs is to be the same however they are cut.
        bool several = candidates > 1 || share is { AllCandidates: > 1 };
        if (!several || x.dim() == 3 || _nodes[_firstSite] is not ModularLayer first)
        {
            return Run(EStep.Tile(x, candidates), route, _firstSite, _lastSite + 1);
        }

        return Run(first.Forward(x, route, candidates), route, _firstSite + 1, _lastSite + 1);
    }

    /// <summary>The nodes after the last site.</summary>
    internal Tensor AfterSites(Tensor x, SideInputs? side, RecurrentState? carried = null, Share? share = null) =>
        HasSites ? Run(x, Way(new ModeSelector(), side, _lastSite + 1, carried, share), _lastSite + 1, _nodes.Length).Features : x;

    /// <summary>One datapoint's way through all nodes, in evaluation mode: its tape, and what a row of so many holds.</summary>
    internal (Tape Tape, Footprint Footprint) Probe(Tensor x, SideInputs? side, long rows)
    {
        var footprint = new Footprint();
        footprint.Pass(x.numel());
        var route = new Route(new ModeSelector(), side) { Share = new(1, rows), Footprint = footprint };
        return InEvaluation(() => (Run(x, route, 0, _nodes.Length).Tape, footprint));
    }

    private Route Way(Selector selector, SideInputs? side, int from, RecurrentState? carried, Share? share = null) =>
        new(selector, side, GivenBefore(from), carried) { Share = share ?? Share.Whole };

    private GraphOutput Run(Tensor x, Route route, int from, int to)
    {
        for (int i = from; i < to; i++)
        {
            x = _nodes[i].Forward(x, route);
            Watch?.Invoke(_nodes[i], x);
            route.Footprint?.Pass(x.numel());
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
