namespace ModNet.Runtime;

/// <summary>What a player of a game reads.</summary>
public abstract record GameWire
{
    private GameWire()
    {
    }

    /// <summary>x of the minibatch's datapoints, [B, …].</summary>
    public sealed record Real : GameWire;

    /// <summary>y of the minibatch's datapoints: of classes one-hot, [B, Classes] float32; of values as they are, [B, n].</summary>
    /// <param name="Classes">The number of classes; 0 where y are values.</param>
    public sealed record Label(long Classes) : GameWire;

    /// <summary>Fresh noise, [B, Width] float32, drawn anew for every player and every turn.</summary>
    /// <param name="Width">How many numbers a datapoint gets.</param>
    /// <param name="IsUniform">Whether they are uniform on [−1, 1); else they are standard normal.</param>
    public sealed record Latent(long Width, bool IsUniform) : GameWire;

    /// <summary>What another player of the same table gives, [B, …].</summary>
    /// <param name="Player">The player's number.</param>
    /// <param name="IsDetached">Whether no gradient crosses the wire.</param>
    public sealed record Output(int Player, bool IsDetached) : GameWire;

    /// <summary>What a critic is asked about: the real thing in one pass, the other in another.</summary>
    public sealed record Judged : GameWire;
}

/// <summary>A player of a game: one network, of which there is one at each table.</summary>
/// <param name="Name">The player's name.</param>
/// <param name="Reads">The wires that it reads. Where they are several, their values are joined, a row for each datapoint.</param>
/// <param name="Input">The sizes of what its network reads for one datapoint.</param>
/// <param name="Gradient">How its gradient steps are taken.</param>
/// <param name="TopK">k of the noisy top-k by which its modules are chosen; null runs modules 0 to K − 1 for every datapoint.</param>
public sealed record PlayerPlan(string Name, IReadOnlyList<GameWire> Reads, IReadOnlyList<long> Input, GradientSettings Gradient, int? TopK = null);

/// <summary>What a turn minimises.</summary>
public abstract record GameLoss
{
    private GameLoss()
    {
    }

    /// <summary>−mean log p(target | what the player reads), by the player's own head; target null stands for y as the data have it.</summary>
    public sealed record Fit(GameWire? Target) : GameLoss;

    /// <summary>−½ (mean log p(1 | real) + mean log p(0 | fake)), by the player's own head, in place of <see cref="GameWire.Judged"/>.</summary>
    public sealed record Discriminate(GameWire Genuine, GameWire Fake) : GameLoss;

    /// <summary>−mean log p(1 | fake), by the critic's head. The gradient goes through the critic, whose parameters stay.</summary>
    public sealed record Deceive(int Critic, GameWire Fake) : GameLoss;
}

/// <summary>One gradient step of one player at each table.</summary>
/// <param name="Name">The name of its loss in the log.</param>
/// <param name="Player">The number of the player whose parameters change, and no others.</param>
/// <param name="Loss">What is minimised.</param>
public sealed record GameTurn(string Name, int Player, GameLoss Loss);

/// <summary>After every so many steps the players of one name are dealt to the tables anew.</summary>
public sealed record GameSwap(int Player, long Every);

/// <summary>For so many steps only these players take their turns.</summary>
public sealed record GameStage(long Steps, IReadOnlyList<int> Players);

/// <summary>The rules of a game.</summary>
/// <param name="Tables">N, the number of tables, at each of which there is one player of every name.</param>
/// <param name="Players">The players.</param>
/// <param name="Turns">The turns of a step, in order.</param>
/// <param name="Swaps">Which players change tables.</param>
/// <param name="Stages">The stages, which come round again after the last; empty lets all players take their turns all the time.</param>
public sealed record GamePlan(
    int Tables, IReadOnlyList<PlayerPlan> Players, IReadOnlyList<GameTurn> Turns, IReadOnlyList<GameSwap> Swaps, IReadOnlyList<GameStage> Stages)
{
    /// <summary>Whether a player takes its turns in step <paramref name="step"/>, counted from 0.</summary>
    public bool Plays(int player, long step)
    {
        if (Stages.Count == 0)
        {
            return true;
        }

        long place = step % Stages.Sum(stage => stage.Steps);
        foreach (GameStage stage in Stages)
        {
            if (place < stage.Steps)
            {
                return stage.Players.Contains(player);
            }

            place -= stage.Steps;
        }

        return false;
    }
}
