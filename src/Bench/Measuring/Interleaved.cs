namespace ModNet.Bench;

/// <summary>
/// Times contenders in turn, A B C A B C …: what slows the machine for a while slows all of them, and a ratio of what was measured side by
/// side holds where times do not.
/// </summary>
public static class Interleaved
{
    private const int MostCalls = 1_000_000;

    /// <summary>All contenders' timings, in the order given.</summary>
    /// <exception cref="OperationCanceledException">The user ended it.</exception>
    public static IReadOnlyList<Timing> Measure(
        IReadOnlyList<Contender> contenders, Pace pace, Action<string> say, CancellationToken stop)
    {
        var calls = new int[contenders.Count];
        var samples = new double[contenders.Count][];
        for (int i = 0; i < contenders.Count; i++)
        {
            say($"warming up {contenders[i].Name}");
            samples[i] = new double[pace.Rounds];
            calls[i] = WarmUp(contenders[i], pace, stop);
        }

        for (int round = 0; round < pace.Rounds; round++)
        {
            say($"round {round + 1} of {pace.Rounds}");
            for (int i = 0; i < contenders.Count; i++)
            {
                stop.WaitHandle.WaitOne(TimeSpan.FromSeconds(pace.Pause));
                stop.ThrowIfCancellationRequested();
                samples[i][round] = contenders[i].Run(calls[i]) / calls[i];
            }
        }

        return [.. contenders.Select((c, i) => new Timing(c.Name, calls[i], samples[i]))];
    }

    // Runs it for a while, more calls at a time as it turns out to be quick, and says how many make a sample.
    private static int WarmUp(Contender contender, Pace pace, CancellationToken stop)
    {
        double spent = 0, once;
        int calls = 1;
        do
        {
            stop.ThrowIfCancellationRequested();
            double took = contender.Run(calls);
            spent += took;
            once = took / calls;
            calls = (int)Math.Clamp(Math.Ceiling(pace.Sample / Math.Max(once, 1e-9)), 1, Math.Min(MostCalls, calls * 10L));
        }
        while (spent < pace.WarmUp);

        return calls;
    }
}
