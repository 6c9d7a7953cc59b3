using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// A game: players, each a network with its own parameters and optimiser, that take turns. There are N tables with one network of every player. A step
/// takes every turn in order, at every table one gradient step on a minibatch of its own; it changes the parameters of the turn's player and nothing else.
/// Generative adversarial networks (Goodfellow et al. 2014) are games of a generator and a critic; with swaps, N pairs of them are GAP (Im et al. 2016,
/// arXiv 1612.04021).
/// </summary>
/// <remarks>
/// Network t of player p draws all its chance from seed + t + p · <see cref="Stride"/>, so N tables without swaps are N games with one table each, bit for
/// bit, and a game of one player that fits y is a run by <see cref="StaticModules"/>, or by <see cref="NoisyTopK"/> without balance losses. Dropout and batch
/// normalisation of all players run as in training in every turn; running averages of those whose turn it is not are put back after it.
/// </remarks>
public sealed class Game : Training
{
    /// <summary>How far apart the seeds of two players are.</summary>
    public const long Stride = 1_000_003;

    private const string Steps = "method.steps";
    private readonly GamePlan _plan;
    private readonly Dataset _data;
    private readonly RandomStreams _streams;

    // By player and number.
    private readonly Seat[][] _seats;

    // By player and table: the number of the network that is there.
    private readonly long[][] _places;
    private readonly Sharding _sharding;
    private long _taken;

    /// <summary>
    /// Makes the networks with <paramref name="make"/>, by player and streams, and trains them on <paramref name="data"/> (on the CPU). UserException
    /// where a network that takes turns has nothing to learn.
    /// </summary>
    public Game(GamePlan plan, Func<int, RandomStreams, Graph> make, Dataset data, RandomStreams streams, Device? device = null)
    {
        (_plan, _data, _streams, Device) = (plan, data, streams, device ?? CPU);
        _sharding = new(1, Ranks.Alone);
        HashSet<int> turning = [.. plan.Turns.Select(turn => turn.Player)];
        _seats = [.. plan.Players.Select((player, p) => Enumerable.Range(0, plan.Tables).Select(t =>
        {
            var own = new RandomStreams(streams.Seed + t + p * Stride);
            return new Seat(player, t, make(p, own), own, data, Device, turning.Contains(p));
        }).ToArray())];
        _places = [.. plan.Players.Select(_ => Enumerable.Range(0, plan.Tables).Select(t => (long)t).ToArray())];
    }

    /// <inheritdoc/>
    public override Device Device { get; }

    /// <summary>The graph of a player's network of this number.</summary>
    public Graph GraphOf(int player, int number = 0) => _seats[player][number].Graph;

    /// <summary>The number of the network of a player that sits at a table now.</summary>
    public long At(int player, int table) => _places[player][table];

    /// <summary>The rules.</summary>
    public GamePlan Plan => _plan;

    /// <summary>The number of parameters of all networks together.</summary>
    public long ParameterCount => All.Sum(seat => seat.Graph.ParameterCount);

    /// <inheritdoc/>
    public override Selector Evaluating => _seats[0][0].Evaluating;

    /// <summary>Whether controllers choose what runs, which only a noisy top-k does.</summary>
    public override bool ReadsControllers => _plan.Players[0].TopK is not null;

    // Of one player alone the log says what it says of a plain run.
    internal override bool HasLikelihood => _plan.Players.Count == 1 && _plan.Tables == 1 && _plan.Turns is [{ Loss: GameLoss.Fit { Target: null } }];

    internal override Sharding Sharding => _sharding;

    internal override bool IsSettled => true;

    internal override IReadOnlyList<(string Prefix, Graph Graph)> Graphs => [.. All.Select(seat => (seat.Prefix, seat.Graph))];

    private IEnumerable<Seat> All => _seats.SelectMany(seats => seats);

    /// <inheritdoc/>
    public override void Step() => Take(report: false);

    /// <inheritdoc/>
    public override StepResult StepAndReport() => Take(report: true)!;

    private StepResult? Take(bool report)
    {
        Deal();
        var losses = new List<(string Turn, double Loss)>();
        StepResult? first = null;
        foreach (GameTurn turn in _plan.Turns.Where(turn => _plan.Plays(turn.Player, _taken)))
        {
            double sum = 0;
            for (int table = 0; table < _plan.Tables; table++)
            {
                StepResult? seen = Take(turn, Sitting(table), report);
                first ??= seen;
                sum += seen?.Loss ?? 0;
            }

            losses.Add((turn.Name, sum / _plan.Tables));
        }

        _taken++;
        if (!report)
        {
            return null;
        }

        Head head = _seats[0][0].Graph.Head;
        return HasLikelihood
            ? first
            : new(losses.Sum(l => l.Loss), double.NaN, new SelectionStatistics(), new PredictionScore(head)) { Turns = losses };
    }

    private static StepResult? Take(GameTurn turn, Seat[] seats, bool report)
    {
        using var scope = NewDisposeScope();
        Seat seat = seats[turn.Player];
        Member member = seat.Member!;
        Seat[] others = [.. seats.Where(other => !ReferenceEquals(other, seat))];
        Tensor[][] kept = [.. others.Select(other => other.Kept())];
        Array.ForEach(others, other => other.Graph.train());
        // No gradient is computed for parameters that the turn leaves alone.
        seat.Watch(true);
        member.Loss = batch => new Table(seats, batch, () => seat.Streams["latent"], trains: true, seat).LossOf(turn);
        try
        {
            if (report)
            {
                return member.StepAndReport();
            }

            member.Step();
            return null;
        }
        catch (NonFiniteException wrong)
        {
            throw new NonFiniteException(wrong.Step, $"turn `{turn.Name}` of table {seat.Number}: {wrong.Message}");
        }
        finally
        {
            seat.Watch(false);
            foreach ((Seat other, Tensor[] buffers) in others.Zip(kept))
            {
                other.PutBack(buffers);
            }
        }
    }

    private Seat[] Sitting(int table) => [.. _seats.Select((seats, player) => seats[_places[player][table]])];

    private void Deal()
    {
        foreach (GameSwap swap in _plan.Swaps.Where(swap => _taken > 0 && _taken % swap.Every == 0))
        {
            using Tensor order = randperm(_plan.Tables, ScalarType.Int64, generator: _streams["swaps"]);
            _places[swap.Player] = [.. TensorArrays.Vector<long>(order).Select(place => _places[swap.Player][place])];
        }
    }

    internal override Observation? Evaluate(string phase, IReadOnlyList<Dataset> parts, long batch)
    {
        if (HasLikelihood)
        {
            return null;
        }

        // Held-out data get the same noise every time, and nothing that training draws is drawn.
        using var noise = new RandomStreams(_streams.Seed);
        var sums = new Dictionary<string, double>(StringComparer.Ordinal);
        long count = parts.Sum(part => part.Count) * _plan.Tables;
        foreach (Dataset part in parts)
        {
            for (long start = 0; start < part.Count; start += batch)
            {
                using var scope = NewDisposeScope();
                Batch some = part.Range(start, Math.Min(batch, part.Count - start)).To(Device);
                for (int table = 0; table < _plan.Tables; table++)
                {
                    Seat[] seats = Sitting(table);
                    int place = table;
                    foreach (GameTurn turn in _plan.Turns)
                    {
                        double loss = InEvaluation(seats, () => new Table(seats, some, () => noise[$"held out {place}"], trains: false, null).LossOf(turn).Loss.ToDouble());
                        sums[turn.Name] = sums.GetValueOrDefault(turn.Name) + loss * some.Inputs.shape[0] / count;
                    }
                }
            }
        }

        return new(phase, null, new SelectionStatistics(), new PredictionScore(_seats[0][0].Graph.Head))
        {
            Turns = [.. _plan.Turns.Select(turn => (turn.Name, sums[turn.Name]))],
        };
    }

    /// <summary>
    /// What a player gives at a table, with dropout off: [count, …], on the CPU, by noise that follows from <paramref name="seed"/> alone. y of classes
    /// goes round, 0, 1, …; other wires read the first datapoints of the training data, again from the beginning where there are fewer.
    /// </summary>
    public (Tensor Samples, Tensor? Classes) Sample(int player, int table, long count, long seed = 0)
    {
        using var scope = NewDisposeScope();
        using var noise = new RandomStreams(seed);
        Seat[] seats = Sitting(table);
        long? classes = _plan.Players.SelectMany(p => p.Reads).OfType<GameWire.Label>().Where(l => l.Classes > 0).Select(l => (long?)l.Classes).FirstOrDefault();
        var parts = new List<Tensor>();
        const long chunk = 512;
        for (long start = 0; start < count; start += chunk)
        {
            Tensor places = arange(start, Math.Min(count, start + chunk), ScalarType.Int64);
            Batch read = _data.Get(places.remainder(_data.Count));
            Batch some = (classes is long c ? read with { Targets = places.remainder(c) } : read).To(Device);
            parts.Add(InEvaluation(seats, () =>
                new Table(seats, some, () => noise[$"samples {table}"], trains: false, null).Output(player, detached: true).cpu()));
        }

        Tensor? labels = classes is long of ? arange(count, ScalarType.Int64).remainder(of) : null;
        return (cat([.. parts], 0).MoveToOuterDisposeScope(), labels?.MoveToOuterDisposeScope());
    }

    private static TResult InEvaluation<TResult>(IEnumerable<Seat> seats, Func<TResult> body) =>
        seats.Aggregate(body, (inner, seat) => () => seat.Graph.InEvaluation(inner))();

    /// <inheritdoc/>
    public override void Settle()
    {
    }

    /// <inheritdoc/>
    public override IDisposable? UseAverage()
    {
        IDisposable[] averages = [.. All.Select(seat => seat.Member?.UseAverage()).OfType<IDisposable>()];
        return averages.Length == 0 ? null : new Together(averages);
    }

    internal override void DemandFiniteSteps()
    {
        foreach (Seat seat in All)
        {
            seat.Member?.DemandFiniteSteps();
        }
    }

    internal override void DemandFiniteParameters()
    {
        foreach (Seat seat in All)
        {
            seat.Member?.DemandFiniteParameters();
        }
    }

    /// <summary>
    /// <c>method.steps</c>; the numbers of the networks at the tables as <c>method.places.PLAYER</c> [N]; and what each network's training and random
    /// streams remember, as <c>method.players.PLAYER.NUMBER.…</c>.
    /// </summary>
    public override IEnumerable<(string Name, Tensor Value)> State() =>
    [
        (Steps, tensor(new[] { _taken })),
        .. _plan.Players.Zip(_places, (player, places) => ($"method.places.{StateNames.Registered(player.Name)}", tensor(places))),
        .. All.SelectMany(seat => (seat.Member?.State() ?? []).Select(s => ($"method.{seat.Prefix}{s.Name}", s.Value))),
        .. All.SelectMany(seat => seat.Streams.States().Select(s => ($"method.{seat.Prefix}random.{s.Key}", s.Value))),
    ];

    /// <inheritdoc/>
    public override void Restore(SavedState state)
    {
        _taken = state.Count(Steps);
        foreach ((PlayerPlan player, int p) in _plan.Players.Select((player, p) => (player, p)))
        {
            string name = $"method.places.{StateNames.Registered(player.Name)}";
            long[] places = TensorArrays.Vector<long>(state.Get(name, _plan.Tables));
            if (!places.Order().SequenceEqual(Enumerable.Range(0, _plan.Tables).Select(t => (long)t)))
            {
                throw state.Refused(name, "every number once", string.Join(", ", places));
            }

            _places[p] = places;
        }

        foreach (Seat seat in All)
        {
            SavedState own = state.Under($"method.{seat.Prefix}");
            seat.Member?.Restore(own);
            SavedState random = own.Under("random.");
            foreach (string stream in random.Names)
            {
                seat.Streams[stream].set_state(random.Get(stream));
            }
        }
    }

    internal override IEnumerable<(string Name, Tensor Value)> OptimizerState() =>
        All.SelectMany(seat => (seat.Member?.OptimizerState() ?? []).Select(s => (seat.Prefix + s.Name, s.Value)));

    internal override void RestoreOptimizer(SavedState saved)
    {
        foreach (Seat seat in All)
        {
            seat.Member?.RestoreOptimizer(saved.Under(seat.Prefix));
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (Seat seat in All)
            {
                seat.Dispose();
            }
        }
    }

    private sealed class Together(IDisposable[] parts) : IDisposable
    {
        public void Dispose() => Array.ForEach(parts, part => part.Dispose());
    }
}
