namespace ModNet.Runtime;

/// <summary>
/// A user's mistake, not a bug: one message that says where, what was expected, what was found and what to do. Programs
/// print the message alone and exit with 1.
/// </summary>
public sealed class UserException : Exception
{
    /// <summary>«place: expected …, got … – remedy».</summary>
    public UserException(string place, string expected, string got, string remedy)
        : base($"{place}: expected {expected}, got {got} – {remedy}")
    {
    }

    /// <summary>A message that is already in that form.</summary>
    public UserException(string message)
        : base(message)
    {
    }
}
