namespace ModNet.Runtime;

/// <summary>
/// A mistake of the user's, not a bug. Its message names the place, what was expected, what was found, and the remedy. Programs print the
/// message alone and exit with 1. Control characters of what it quotes are shown (<see cref="VisibleText"/>).
/// </summary>
public sealed class UserException : Exception
{
    /// <summary>Makes the message «place: expected …, got … – remedy».</summary>
    public UserException(string place, string expected, string got, string remedy)
        : base(VisibleText.Lines($"{place}: expected {expected}, got {got} – {remedy}"))
    {
    }

    /// <summary>Takes a message that is already in that form.</summary>
    public UserException(string message)
        : base(VisibleText.Lines(message))
    {
    }
}
