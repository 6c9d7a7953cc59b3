using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The full batch that this chunk belongs to; size decisions use it, so chunking changes no result.</summary>
/// <remarks>
/// A dispatch, for example, is chosen by the number of rows. It asks here how many rows the full batch has where the chunk has some.
/// </remarks>
/// <param name="Datapoints">The number of datapoints in the chunk.</param>
/// <param name="AllDatapoints">The number of datapoints in the full batch.</param>
/// <param name="Candidates">The number of candidates per datapoint in the chunk.</param>
/// <param name="AllCandidates">The number of candidates per datapoint in the full batch.</param>
internal readonly record struct FullBatch(long Datapoints, long AllDatapoints, long Candidates = 1, long AllCandidates = 1)
{
    /// <summary>The full batch of rows that are not chunked: it is these rows.</summary>
    internal static FullBatch Same { get; } = new(1, 1);

    /// <summary>How many rows the full batch has where the chunk has <paramref name="rows"/>.</summary>
    internal long Rows(long rows) => rows / (Datapoints * Candidates) * (AllDatapoints * AllCandidates);

    /// <summary>The same where a row holds all candidates of a datapoint side by side.</summary>
    internal long RowsOfDatapoints(long rows) => rows / Datapoints * AllDatapoints;

    /// <summary>How many positions a row of the full batch has side by side where a row of the chunk has <paramref name="positions"/>.</summary>
    internal long Positions(long positions) => positions / Candidates * AllCandidates;
}

/// <summary>Some candidates of some datapoints of an E-step's minibatch, which are scored together.</summary>
/// <param name="Datapoint">The row of the first datapoint in the minibatch.</param>
/// <param name="Datapoints">n, the number of datapoints in the chunk.</param>
/// <param name="AllDatapoints">B, the number of datapoints in the minibatch.</param>
/// <param name="Candidate">The number of the first candidate; candidate 0 is a*.</param>
/// <param name="Candidates">c, the number of candidates per datapoint in the chunk.</param>
/// <param name="AllCandidates">S, the number of candidates that every datapoint has.</param>
internal readonly record struct Chunk(
    int Datapoint, int Datapoints, int AllDatapoints, int Candidate, int Candidates, int AllCandidates)
{
    /// <summary>n·c, the number of rows. Rows are candidate-major: all datapoints with the first candidate come first.</summary>
    internal int Rows => Datapoints * Candidates;

    /// <summary>The full batch of the chunk's n·c rows.</summary>
    internal FullBatch FullBatch => new(Datapoints, AllDatapoints, Candidates, AllCandidates);

    /// <summary>The full batch of the chunk's n datapoints, before they are given candidates.</summary>
    internal FullBatch FullBatchOfDatapoints => new(Datapoints, AllDatapoints);

    /// <summary>The full batch of those of the chunk's rows that differ, of which there are <paramref name="count"/>.</summary>
    internal FullBatch FullBatchOfDistinct(int count) => new(count, (long)AllDatapoints * AllCandidates);

    /// <summary>The rows of the chunk's datapoints: [B, …] → [n, …].</summary>
    internal Tensor Of(Tensor all) => all.narrow(0, Datapoint, Datapoints);
}

/// <summary>
/// Cuts the S candidates of B datapoints into chunks of a bounded number of rows: whole datapoints with all their candidates, or, where one
/// datapoint's candidates are already too many, some candidates of a single datapoint.
/// </summary>
/// <remarks>
/// The result of an E-step does not depend on the cut. Draws are the same (<see cref="DrawnCandidates"/>), and so is every decision that is
/// made by size (<see cref="FullBatch"/>). Scores are the same to the last bit where the operators compute each row by itself, as our
/// kernels do; a matrix product of libtorch may round a row differently beside fewer other rows.
/// </remarks>
/// <param name="datapoints">B.</param>
/// <param name="candidates">S.</param>
/// <param name="rowsAtOnce">The largest number of rows of a chunk; one row is always run.</param>
internal sealed class Chunking(int datapoints, int candidates, long rowsAtOnce)
{
    /// <summary>How many rows fit into <paramref name="bytes"/> where one row holds <paramref name="row"/>; at least one.</summary>
    internal static long RowsWithin(long bytes, Footprint row, ScalarType dtype) =>
        Math.Max(1, bytes / Math.Max(1, row.Numbers * (dtype == ScalarType.Float64 ? sizeof(double) : sizeof(float))));

    /// <summary>The chunks of another number of datapoints.</summary>
    internal Chunking Of(int others) => new(others, candidates, rowsAtOnce);

    /// <summary>The chunks of datapoints, each with all candidates.</summary>
    internal IEnumerable<Chunk> OfDatapoints()
    {
        int atOnce = (int)Math.Clamp(rowsAtOnce / candidates, 1, Math.Max(datapoints, 1));
        for (int first = 0; first < datapoints; first += atOnce)
        {
            yield return new(first, Math.Min(atOnce, datapoints - first), datapoints, 0, candidates, candidates);
        }
    }

    /// <summary>The chunks of candidates of such a chunk; usually it is the only one.</summary>
    internal IEnumerable<Chunk> OfCandidates(Chunk chunk)
    {
        int atOnce = (int)Math.Clamp(rowsAtOnce, 1, candidates);
        for (int first = 0; first < candidates; first += atOnce)
        {
            yield return chunk with { Candidate = first, Candidates = Math.Min(atOnce, candidates - first) };
        }
    }
}
