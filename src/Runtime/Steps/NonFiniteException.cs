namespace ModNet.Runtime;

/// <summary>
/// Training came to a number that is none. It is raised before the step that would have spread it: parameters, optimiser and
/// assignments are those of the step before.
/// </summary>
public sealed class NonFiniteException : Exception
{
    internal NonFiniteException(long step, string expected, string got)
        : base($"step {step}: expected {expected}, got {got}") => Step = step;

    /// <summary>The gradient step, from 1.</summary>
    public long Step { get; }
}
