namespace ModNet.Runtime;

/// <summary>
/// What is trained on and what is held out. A held-out set may come in parts (a text's last, shorter window is a part of
/// its own).
/// </summary>
public sealed record DataSplits(Dataset Train, IReadOnlyList<Dataset> Validation, IReadOnlyList<Dataset> Test)
    : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Dataset part in (Dataset[])[Train, .. Validation, .. Test])
        {
            part.Dispose();
        }
    }
}
