namespace ModNet.Runtime;

/// <summary>All mistakes in the rows of a file, which one message tells: the first ones in full, the others by their number.</summary>
internal sealed class RowProblems(string path)
{
    // More lines would tell no more.
    internal const int MostLines = 12;

    private readonly List<UserException> _shown = [];
    private long _count;

    /// <summary>Keeps a mistake for the message.</summary>
    internal void Add(UserException problem)
    {
        _count++;
        if (_shown.Count < MostLines)
        {
            _shown.Add(problem);
        }
    }

    /// <summary>UserException where there are mistakes.</summary>
    internal void Demand()
    {
        if (_count > 0)
        {
            string rest = _count > _shown.Count ? FormattableString.Invariant($"\n{path}: and {_count - _shown.Count} more") : "";
            throw new UserException(string.Join("\n", _shown.Select(problem => problem.Message)) + rest);
        }
    }
}
