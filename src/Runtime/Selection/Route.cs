using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// What travels with the data through a graph: the selector that chooses, what the datapoints bring beside their inputs (side inputs, and
/// the state that recurrent layers carry from window to window), and the tape of what was chosen.
/// </summary>
public sealed class Route
{
    private readonly Selector _selector;
    private readonly SideInputs? _side;
    private readonly RecurrentState? _carried;
    private long _given;

    /// <summary>A route on which <paramref name="selector"/> makes all choices that <paramref name="side"/> does not give.</summary>
    public Route(Selector selector, SideInputs? side = null)
        : this(selector, side, 0)
    {
    }

    /// <summary>A route that begins after earlier layers have taken <paramref name="given"/> columns of the given choices.</summary>
    internal Route(Selector selector, SideInputs? side, long given, RecurrentState? carried = null) =>
        (_selector, _side, _given, _carried) = (selector, side, given, carried);

    /// <summary>The tape of the sites that were passed so far.</summary>
    public Tape Tape { get; } = new();

    /// <summary>The full batch that the rows belong to, as the selector knows it.</summary>
    internal FullBatch FullBatch => _selector.FullBatch;

    /// <summary>
    /// Which rows of an E-step's candidates are the same. What flows through the graph then has the distinct rows alone, while choices and side inputs are of
    /// all rows. Null where every row is run.
    /// </summary>
    internal DistinctRows? Rows { get; set; }

    /// <summary>Which rows have halted in the program or fold that they are in; null outside of those that halt.</summary>
    internal Halting? Halting { get; set; }

    /// <summary>How much each datapoint counts, [B]; null where all count alike.</summary>
    internal Tensor? Weights => _side?.Weights;

    /// <summary>The targets [B, …] in gradient steps; null elsewhere.</summary>
    internal Tensor? Targets => _side?.Targets;

    /// <summary>The targets [B, …]. UserException where the pass knows none.</summary>
    internal Tensor DemandTargets(string layer) =>
        Targets ?? throw new UserException(layer, "a gradient step of a training method, which knows the targets", "a pass in training mode without them", "call `eval`, or give them as `SideInputs.Targets`");

    /// <summary>From here on every row is run: [d, …] → [c·n, …].</summary>
    internal Tensor Whole(Tensor x)
    {
        Tensor whole = Rows?.Spread(x) ?? x;
        Rows = null;
        return whole;
    }

    /// <summary>Gives today's rows what they had when <paramref name="before"/> told the distinct ones, and fewer choices had been made.</summary>
    internal Tensor Since(DistinctRows? before, Tensor x) =>
        ReferenceEquals(before, Rows) ? x
        : Rows is null ? before!.Spread(x)
        : x.IndexSelect(0, Rows.PlacesIn(before!, x.device));

    /// <summary>The state [B, …] from which a layer over sequences starts; null stands for zeros.</summary>
    public Tensor? Carried(string layer) => _carried?[layer] is Tensor state ? Rows?.Pick(state) ?? state : null;

    /// <summary>Leaves the state [B, …] in which a layer over sequences ended, for the next window.</summary>
    public void Leave(string layer, Tensor state) => _carried?.Leave(layer, Rows?.Spread(state) ?? state);

    /// <summary>UserException where a state is carried from window to window, which <paramref name="layer"/> has none of.</summary>
    internal void DemandWindows(string layer)
    {
        if (_carried is not null)
        {
            throw new UserException(layer, "windows of a text, each read by itself", "a state that is carried from window to window", "drop `carry_state`");
        }
    }

    /// <summary>
    /// Asks the selector for the choices at the next site and records the answer. Choices that the data give are only recorded.
    /// <paramref name="pool"/> names the pool where layers share it; null stands for the layer's own.
    /// </summary>
    public Selection Choose(string layer, int time, ChoiceDistribution distribution, string? pool = null) =>
        Choose(layer, time, distribution, pool, halts: false);

    /// <summary>The same for a layer whose last module halts, if <paramref name="halts"/> says so. For rows that have halted, nothing is left to choose.</summary>
    internal Selection Choose(string layer, int time, ChoiceDistribution distribution, string? pool, bool halts)
    {
        Tensor? halted = Halting?.At(time);
        int settled = halts ? distribution.Modules - 1 : 0;
        if (halted is not null)
        {
            distribution = distribution.Settled(halted, settled);
        }

        int offset = distribution.Latent ? Tape.Choices : -1;
        var site = new Site(layer, time, offset, distribution.Choose, distribution.Modules) { Pool = pool ?? layer };
        Selection selection = distribution.Latent ? _selector.Select(site, distribution) : new(distribution.Mode());
        if (halted is not null)
        {
            // A composition that is given may say something else where nothing is left to choose.
            selection = selection with { Indices = selection.Indices.MaskedFill(halted.unsqueeze(1), settled) };
        }

        if (halts)
        {
            Halting?.Add(time, selection.Indices, settled);
        }

        Tape.Add(new TapeEntry(site, distribution, selection));
        return selection;
    }

    /// <summary>How many modules the selector will run for a row at a site of this controller.</summary>
    internal int Runs(Controller controller) => _selector.Runs(controller.Choose);

    /// <summary>
    /// How the selector will choose for B rows at a layer's next T sites, if it can say so ahead; else null. The caller then makes the
    /// choices and records them by <see cref="Record"/>.
    /// </summary>
    internal WindowChoice? Ahead(string layer, Controller controller, int steps, long rows, Device device) =>
        _selector.Ahead(new Site(layer, 0, Tape.Choices, controller.Choose, controller.Modules), steps, rows, device);

    /// <summary>
    /// Records what was chosen of a pool at a layer's T sites: log p(·|x) [B, T, K, M] and the chosen modules [B, T, K]; under a gate the modules [B,
    /// T, k] and their weights. The noise's deviation is not recorded: only the selector reads it.
    /// </summary>
    internal void Record(string layer, string pool, Tensor logProbabilities, Tensor indices, Tensor? weights = null)
    {
        (int choose, int modules, int runs) =
            ((int)logProbabilities.shape[2], (int)logProbabilities.shape[3], (int)indices.shape[2]);
        Tensor[] distributions = logProbabilities.unbind(1), chosen = indices.unbind(1);
        Tensor[]? weighted = weights?.unbind(1);
        int offset = Tape.Choices;
        TapeEntry[] steps = [.. distributions.Select((step, t) => new TapeEntry(
            new Site(layer, t, offset + t * runs, choose, modules) { Pool = pool },
            ChoiceDistribution.FromLogProbabilities(step),
            new Selection(chosen[t], weighted?[t])))];
        Tape.Add(steps, ChoiceDistribution.FromLogProbabilities(logProbabilities.flatten(1, 2)), indices.flatten(1, 2));
    }

    /// <summary>A route through nodes that have no sites.</summary>
    internal static Route NoChoice() => new(new ModeSelector());

    /// <summary>The task ids of B datapoints, [B]. UserException where there are none, or one is not below <paramref name="tasks"/>.</summary>
    internal Tensor Tasks(string layer, int tasks, long datapoints)
    {
        Tensor? ids = _side?.Tasks;
        string expected = $"a task id from 0 to {tasks - 1} for each of {datapoints} datapoints";
        Check(layer, expected, ids, ids?.dim() == 1 && ids.shape[0] == datapoints, tasks, "give the data as many task ids");
        return ids!;
    }

    /// <summary>The next K given choices of B datapoints, [B, K]. UserException where there are none, or one is not below M.</summary>
    internal Tensor Given(string layer, int choose, int modules, long datapoints)
    {
        Tensor? given = _side?.Given;
        long from = _given;
        _given += choose;
        string columns = choose == 1 ? $"column {from}" : $"columns {from} to {from + choose - 1}";
        string expected = $"given choices from 0 to {modules - 1} in {columns}, for each of {datapoints} datapoints";
        bool fits = given?.dim() == 2 && given.shape[0] == datapoints && given.shape[1] >= _given;
        Tensor? own = fits ? given!.narrow(1, from, choose) : given;
        Check(layer, expected, own, fits, modules, "give the data K choices for every such layer, in order of layers");
        return own!;
    }

    private static void Check(string layer, string expected, Tensor? got, bool fits, int limit, string remedy)
    {
        if (got is null || !fits)
        {
            throw new UserException(layer, expected, got is null ? "none" : $"shape {got.shape.AsShape()}", remedy);
        }

        if (got.device_type != TorchSharp.DeviceType.CPU)
        {
            // They were checked before they were moved (InputRanges).
            return;
        }

        foreach (Tensor extreme in new[] { got.min(), got.max() })
        {
            if (extreme.ToInt64() is long value && (value < 0 || value >= limit))
            {
                throw new UserException(layer, expected, $"{value}", remedy);
            }
        }
    }
}
