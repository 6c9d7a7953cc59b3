namespace ModNet.Runtime;

/// <summary>What travels with the data through a graph: who chooses, and the tape of what was chosen.</summary>
public sealed class Route(Selector selector)
{
    /// <summary>The sites passed so far.</summary>
    public Tape Tape { get; } = new();

    /// <summary>Asks the selector at the next site and records the answer.</summary>
    public Selection Choose(string layer, int time, ChoiceDistribution distribution)
    {
        var site = new Site(layer, time, Tape.Choices, distribution.Choose, distribution.Modules);
        Selection selection = selector.Select(site, distribution);
        Tape.Add(new TapeEntry(site, distribution, selection));
        return selection;
    }
}
