namespace ModNet.Bench;

/// <summary>How benchmarks are run.</summary>
public sealed record BenchSettings
{
    /// <summary>Threads of both sides.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>How long and how often.</summary>
    public Pace Pace { get; init; } = Pace.Full;

    /// <summary>The libraries to compare with; each benchmark takes those that have a part in it.</summary>
    public IReadOnlyList<PeerKind> Peers { get; init; } = PeerKind.All;

    /// <summary>How their threads wait.</summary>
    public PeerWait PeerWait { get; init; }

    /// <summary>A text to take the language model's words from; null makes some up.</summary>
    public string? Data { get; init; }

    /// <summary>For tests: models so small that nothing takes time.</summary>
    public bool Tiny { get; init; }

    /// <summary>Told what goes on.</summary>
    public Action<string> Say { get; init; } = _ => { };

    /// <summary>The user's wish to end.</summary>
    public CancellationToken Stop { get; init; }
}
