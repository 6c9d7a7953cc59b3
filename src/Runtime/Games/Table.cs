using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// One turn at one table: what its wires carry for one minibatch. Every player runs at most once, and reads noise that is drawn once; a critic runs
/// for each thing that it is asked about.
/// </summary>
/// <param name="seats">The table's networks, a seat for every player.</param>
/// <param name="batch">The minibatch, on the networks' device.</param>
/// <param name="noise">Gives what draws latent values, on the CPU; it is asked only where a player reads some.</param>
/// <param name="trains">Whether networks run as in training; else as in evaluation.</param>
/// <param name="turning">The seat whose turn it is; null for none.</param>
internal sealed class Table(IReadOnlyList<Seat> seats, Batch batch, Func<Generator> noise, bool trains, Seat? turning)
{
    private readonly Dictionary<int, Tensor> _latent = [];
    private readonly Dictionary<(int Player, bool Detached), Tensor> _outputs = [];
    private readonly List<GraphOutput> _passes = [];

    /// <summary>The passes of the network whose turn it is, whose penalties belong to its loss.</summary>
    internal IReadOnlyList<GraphOutput> Passes => _passes;

    /// <summary>The loss of a turn.</summary>
    internal MinibatchLoss LossOf(GameTurn turn) => turn.Loss switch
    {
        GameLoss.Fit fit => Fit(turn.Player, fit),
        GameLoss.Discriminate asked => Judge(turn.Player, asked),
        GameLoss.Deceive asked => Deceive(asked),
        _ => throw new InvalidOperationException($"{turn.Loss}: expected a loss of a turn"),
    };

    /// <summary>What a player's head reads, [B, …], for its wires.</summary>
    internal Tensor Output(int player, bool detached)
    {
        if (_outputs.TryGetValue((player, detached), out Tensor? known))
        {
            return known;
        }

        if (detached && _outputs.TryGetValue((player, false), out Tensor? attached))
        {
            return _outputs[(player, true)] = attached.detach();
        }

        using IDisposable? closed = detached ? no_grad() : null;
        return _outputs[(player, detached)] = Run(player, Read(player, null)).Features;
    }

    private MinibatchLoss Fit(int player, GameLoss.Fit fit)
    {
        Seat seat = seats[player];
        Batch read = batch with { Inputs = Read(player, null) };
        Tensor targets = fit.Target is null ? batch.Targets : Flat(Value(fit.Target, player, null)).detach();
        GraphOutput output = trains && ReferenceEquals(seat, turning) ? seat.Member!.Pass(read, seat.Training) : Run(player, read.Inputs);
        Tensor logLikelihood = seat.Graph.Head.MeanLogLikelihood(output.Features, targets, batch.Weights);
        Tensor smoothed = trains && fit.Target is null ? seat.Member!.SmoothedLikelihood(logLikelihood, output, read) : logLikelihood;
        Tensor loss = -smoothed;
        return new(output.Tape.Penalty is Tensor penalty && trains ? loss + penalty : loss, logLikelihood, () => output) { IsScored = fit.Target is null };
    }

    private MinibatchLoss Judge(int critic, GameLoss.Discriminate asked)
    {
        Tensor fake = Value(asked.Fake, critic, null).detach();
        Tensor genuine = Value(asked.Genuine, critic, null).detach();
        Tensor real = Says(critic, genuine, 1);
        Tensor other = Says(critic, fake, 0);
        Tensor loss = (real + other) * -0.5;
        return new(Penalised(loss), -loss, () => _passes[0]) { IsScored = false };
    }

    private MinibatchLoss Deceive(GameLoss.Deceive asked)
    {
        Tensor loss = -Says(asked.Critic, Value(asked.Fake, asked.Critic, null), 1);
        return new(Penalised(loss), -loss, () => _passes.Count > 0 ? _passes[0] : new(loss, new Tape())) { IsScored = false };
    }

    /// <summary>mean log p(answer | what is judged), by the critic's head.</summary>
    private Tensor Says(int critic, Tensor judged, double answer)
    {
        Tensor features = Run(critic, Read(critic, judged)).Features;
        return seats[critic].Graph.Head.MeanLogLikelihood(features, full_like(features, answer).detach(), batch.Weights);
    }

    private GraphOutput Run(int player, Tensor x)
    {
        Seat seat = seats[player];
        bool own = ReferenceEquals(seat, turning);
        GraphOutput output = seat.Graph.Forward(x, trains ? seat.Training : seat.Evaluating, own ? batch.SideWithTargets : null);
        if (own)
        {
            _passes.Add(output);
        }

        return output;
    }

    private Tensor Penalised(Tensor loss) =>
        trains ? _passes.Select(pass => pass.Tape.Penalty).OfType<Tensor>().Aggregate(loss, (sum, penalty) => sum + penalty) : loss;

    // What a player's network reads, [B, sizes]: of one wire its value, of several their values side by side.
    private Tensor Read(int player, Tensor? judged)
    {
        PlayerPlan plan = seats[player].Plan;
        Tensor[] values = [.. plan.Reads.Select(wire => Value(wire, player, judged))];
        Tensor read = values.Length == 1 ? values[0] : cat([.. values.Select(Flat)], 1);
        return read.shape.Skip(1).SequenceEqual(plan.Input) ? read : read.reshape([read.shape[0], .. plan.Input]);
    }

    private Tensor Value(GameWire wire, int player, Tensor? judged) => wire switch
    {
        GameWire.Real => batch.Inputs,
        GameWire.Label { Classes: 0 } => batch.Targets,
        GameWire.Label label => nn.functional.one_hot(batch.Targets, label.Classes).to_type(batch.Inputs.dtype),
        GameWire.Latent latent => Latent(player, latent),
        GameWire.Output output => Output(output.Player, output.IsDetached),
        GameWire.Judged when judged is not null => judged,
        _ => throw new InvalidOperationException($"{wire}: expected something to judge"),
    };

    private Tensor Latent(int player, GameWire.Latent latent)
    {
        if (!_latent.TryGetValue(player, out Tensor? drawn))
        {
            Tensor fresh = empty([batch.Inputs.shape[0], latent.Width], ScalarType.Float32, CPU);
            drawn = (latent.IsUniform ? fresh.uniform_(-1, 1, noise()) : fresh.normal_(0, 1, noise())).to(batch.Inputs.device);
            _latent.Add(player, drawn);
        }

        return drawn;
    }

    private static Tensor Flat(Tensor value) => value.dim() == 2 ? value : value.flatten(1);
}
