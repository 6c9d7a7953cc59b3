namespace ModNet.Bench;

/// <summary>A file by which tensors go to the peer; gone when the peer has read it.</summary>
public sealed class TensorFile : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("modnet-bench-");

    /// <summary>Where it is.</summary>
    public string Path => System.IO.Path.Combine(_folder.FullName, "tensors.safetensors");

    /// <inheritdoc/>
    public void Dispose() => _folder.Delete(recursive: true);
}
