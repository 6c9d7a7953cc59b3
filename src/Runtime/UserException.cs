namespace ModNet.Runtime;

/// <summary>
/// A user's mistake, not a bug: one message that says where, what was expected, what was found and what to do. Programs
/// print the message alone and exit with 1.
/// </summary>
public sealed class UserException(string place, string expected, string got, string remedy)
    : Exception($"{place}: expected {expected}, got {got} – {remedy}")
{
    /// <summary>Where the mistake is.</summary>
    public string Place { get; } = place;
}
