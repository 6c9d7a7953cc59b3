namespace ModNet

open ModNet.Runtime

/// The structure of trained networks as data: graphs of their units and modules, communities in these, motifs, and what is lost without a part. Everything
/// gives the same for the same arguments.
[<RequireQualifiedAccess>]
module Structure =

    // One seed for all searches: what differs between two calls is the graph.
    let private seed = 1
    let private orders = 10
    let private starts = 30

    /// A graph of the units of these layers (those that stand at the network's top, by the names in its summary table), joined by how strongly they are
    /// active together: |r|, Pearson's correlation of their outputs over the first `datapoints` of its test set, else its validation set, else its
    /// training set, without its sign. Units are the channels of images, by their mean over places, and the values at every step of sequences. Links below `least` are left out:
    /// chance alone gives about 1/√N for N datapoints, so take 2/√N or more. A unit that never varies has no links.
    /// Example: `Trained.load "runs/mnist" |> Structure.of_activity [ "linear1" ] 1_000 0.1`
    let of_activity (layers: string list) (datapoints: int) (least: float) (run: TrainedNetwork) : UnitGraph =
        Trained.withData run (fun _ -> UnitGraphs.ofActivity layers datapoints least)

    /// A graph of the units of linear layers that follow each other, joined by |W|, the weight from one to the other without its sign; links below
    /// `least` are left out. It holds what the first of them reads, too, and a softmax head's classes. Between two of them there may be activations, dropout and
    /// norms; layers inside others are not looked into. Raises UserException where there is no linear layer.
    /// Example: `Trained.load "runs/mnist" |> Structure.of_weights 0.05`
    let of_weights (least: float) (run: TrainedNetwork) : UnitGraph = UnitGraphs.ofWeights least run

    /// A graph of the modules of all pools, joined by how many datapoints of the trace meet both on their path, at whatever layer and time step.
    /// Example: `let graph = Trace.load "runs/mnist" |> Structure.of_routing`
    let of_routing (trace: RoutingTrace) : UnitGraph = UnitGraphs.ofRouting trace

    /// The modules of a layer that chooses at several time steps, with an arc from one to another that follows it in at least the share `least` of the
    /// cases. A module that follows itself has no arc.
    /// Example: `let graph = Trace.load "runs/ptb-em-5-1" |> Structure.of_successions "modular_gru1" 0.2`
    let of_successions (layer: string) (least: float) (trace: RoutingTrace) : DirectedGraph =
        UnitGraphs.ofSuccessions layer least trace

    /// Communities by Louvain's method: the partition with the highest modularity among those of ten random orders of the nodes. `Louvain.Of` takes a
    /// seed and a number of orders.
    /// Example: `Trace.load "runs/mnist" |> Structure.of_routing |> Structure.communities |> Structure.modularity`
    let communities (graph: UnitGraph) : Communities = { Graph = graph; Of = Louvain.Of(graph, seed, orders) }

    /// So many blocks of nodes that link to the same nodes, be these in the block or outside it: the most probable of a block model fitted by EM (Newman,
    /// Leicht 2007), the best of thirty random starts. `BlockModel.Fit` takes a seed, a number of starts, and gives probabilities.
    /// Example: `let blocks = Trace.load "runs/mnist" |> Structure.of_routing |> Structure.blocks 3`
    let blocks (count: int) (graph: UnitGraph) : Communities =
        if count < 1 then Refusal.refuse "blocks" "a number of blocks ≥ 1" (string count) "give a positive number"

        { Graph = graph; Of = BlockModel.Fit(graph, count, seed, starts).Blocks() }

    /// Newman's modularity index Q of a partition, from −½ to 1: the share of the links' weight that lies inside communities, less the share that would if
    /// links led anywhere.
    /// Example: `let q = Trace.load "runs/mnist" |> Structure.of_routing |> Structure.communities |> Structure.modularity`
    let modularity (communities: Communities) : float = Partition.Modularity(communities.Graph, communities.Of)

    /// How evenly each node's links are spread over communities, P = 1 − Σ_c (k_c / k)², [nodes]: 0 for one that links into a single community; a hub that
    /// joins communities has a high one.
    /// Example: `let hubs = Trace.load "runs/mnist" |> Structure.of_routing |> Structure.communities |> Structure.participation`
    let participation (communities: Communities) : float[] = Partition.Participation(communities.Graph, communities.Of)

    /// How far two partitions of the same nodes agree, by their normalised mutual information: 1 where they are the same, near 0 where neither tells of the
    /// other.
    /// Example: `let same = Structure.agreement (Structure.communities graph) (Structure.blocks 3 graph)`
    let agreement (one: Communities) (other: Communities) : float = Partition.Agreement(one.Of, other.Of)

    /// Random graphs of the same degrees, by seeds from `first` on, with what is asked of each.
    let private rewired (count: int) (first: int) (draw: int -> 'Graph) (ask: 'Graph -> 'Answer) : 'Answer[] =
        if count < 2 then
            Refusal.refuse "rewired graphs" "a number of graphs ≥ 2" (string count) "take 20 or more for a deviation"

        Array.Parallel.init count (fun number -> draw (first + number) |> ask)

    /// Q of the graph's communities beside Q of the communities of so many random graphs, drawn by seeds from `first` on. Each node keeps its number of
    /// links, each two groups (layers, pools) the links between them and their weights. Random graphs have communities by chance, too, so Q by itself says
    /// little: compare.
    /// Example: `let z = (Trace.load "runs/mnist" |> Structure.of_routing |> Structure.against_rewired 50 1).Z`
    let against_rewired (graphs: int) (first: int) (graph: UnitGraph) : AgainstRewired = {
        Found = modularity (communities graph)
        Rewired = rewired graphs first (fun seed -> Rewiring.Of(graph, seed)) (communities >> modularity)
    }

    /// How many triples of nodes are joined in each of the 13 ways in which three can be, beside so many random graphs, drawn by seeds from `first` on, in which
    /// each node keeps the number of its incoming and of its outgoing arcs.
    /// Example: `let loops = Trace.load "runs/ptb-em-5-1" |> Structure.of_successions "modular_gru1" 0.2 |> Structure.motifs 100 1`
    let motifs (graphs: int) (first: int) (graph: DirectedGraph) : Motif list =
        let found = Triads.Count graph
        let rewired = rewired graphs first (fun seed -> Rewiring.Of(graph, seed)) Triads.Count

        [
            for place, triad in Seq.indexed Triads.All do
                {
                    Triad = triad
                    Count = {
                        Found = float found[place]
                        Rewired = rewired |> Array.map (fun counts -> float counts[place])
                    }
                }
        ]

    /// What the network loses without each of its modules, one at a time: controllers share their probabilities out among the others, as `Edit.exclude` has
    /// it. Measured on its validation set, else its test set, else its training set, at most so many datapoints. Pools that cannot do with one module less are left out.
    /// Raises UserException where there is no other, or the data are gone.
    /// Example: `Trained.load "runs/mnist" |> Structure.lesions 1_000`
    let lesions (datapoints: int) (run: TrainedNetwork) : Lesion list = Lesions.ofModules datapoints run

    /// What the network loses without each unit of a layer, one at a time: the unit's output is 0. Measured on the same data as `lesions`.
    /// Example: `Trained.load "runs/mnist" |> Structure.lesions_of_units "linear1" 1_000`
    let lesions_of_units (layer: string) (datapoints: int) (run: TrainedNetwork) : Lesion list =
        Lesions.ofUnits layer datapoints run

    /// A small set of a layer's units that suffices: with all others' outputs at 0, the network keeps at least this share of what the layer's units together gain in
    /// log p(y | x, a) over none of them, and with one unit less it does not. Found by subsets regression (Velez, Clune 2016) over so many random subsets of the
    /// units, on the same data as `lesions`. Raises UserException where the network is no worse without the layer's units.
    /// Example: `let core = Trained.load "runs/mnist" |> Structure.core_of "linear1" 0.95 500 1_000`
    let core_of (layer: string) (share: float) (subsets: int) (datapoints: int) (run: TrainedNetwork) : Core =
        Lesions.coreOf layer share subsets datapoints run

    // How many random sets a search for conventions begins from.
    let private tries = 500

    /// Behavioural communities (Jackson, Storms 2017): groups of nodes that behave alike in every convention, a set of nodes in which exactly those are that have at least
    /// the share `q` of their links' weight into it, as if each adopted a habit where enough of its neighbours did. Up to 14 nodes all conventions are found; of
    /// larger graphs those that a search meets, so that two atoms may be told for one. `Conventions.Of` gives the conventions.
    /// Example: `let alike = Trace.load "runs/mnist" |> Structure.of_routing |> Structure.atoms 0.5`
    let atoms (q: float) (graph: UnitGraph) : Communities = {
        Graph = graph
        Of = Conventions.Atoms(Conventions.Of(graph, q, seed, tries), graph.Count)
    }
