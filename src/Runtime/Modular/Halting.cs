using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Which rows of a program, or of a fold, have halted. Whatever they would choose from there on is settled, so it is no choice: log p(a|x) = 0, and no controller learns from it.
/// </summary>
/// <param name="overSteps">Whether a row that halts at a time step stays so at all later ones. Otherwise each step of a sequence runs a program of its own.</param>
internal sealed class Halting(bool overSteps)
{
    private readonly Dictionary<int, Tensor> _halted = [];

    /// <summary>The rows that have halted, [n] bool; null where none can have yet.</summary>
    internal Tensor? At(int time) => _halted.GetValueOrDefault(overSteps ? 0 : time);

    /// <summary>Adds the rows whose chosen module [n, 1] is the one that halts.</summary>
    internal void Add(int time, Tensor chosen, int halt)
    {
        Tensor now = chosen.select(1, 0).eq(halt);
        _halted[overSteps ? 0 : time] = At(time) is Tensor before ? before.logical_or(now) : now;
    }
}
