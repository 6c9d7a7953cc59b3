using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The tensors of a checkpoint by name, on the CPU. UserException that names a tensor that is asked for and missing.</summary>
public sealed class SavedState
{
    private readonly IReadOnlyDictionary<string, Tensor> _tensors;
    private readonly string _prefix;

    /// <summary>Holds the tensors that were read from the file at <paramref name="path"/>.</summary>
    public SavedState(string path, IReadOnlyDictionary<string, Tensor> tensors)
        : this(path, tensors, "")
    {
    }

    private SavedState(string path, IReadOnlyDictionary<string, Tensor> tensors, string prefix) =>
        (Path, _tensors, _prefix) = (path, tensors, prefix);

    /// <summary>The path of the file.</summary>
    public string Path { get; }

    /// <summary>The names of the tensors, in no order.</summary>
    public IEnumerable<string> Names =>
        _tensors.Keys.Where(n => n.StartsWith(_prefix, StringComparison.Ordinal)).Select(n => n[_prefix.Length..]);

    /// <summary>The tensors whose names begin with <paramref name="prefix"/>, under the rest of their names.</summary>
    public SavedState Under(string prefix) => new(Path, _tensors, _prefix + prefix);

    /// <summary>Whether there is a tensor of that name.</summary>
    public bool Has(string name) => _tensors.ContainsKey(_prefix + name);

    /// <summary>The tensor of that name.</summary>
    public Tensor Get(string name) => _tensors.TryGetValue(_prefix + name, out Tensor? value)
        ? value
        : throw new UserException(Path, $"a tensor {_prefix}{name}", "none", "give a checkpoint of the same experiment, made by this version");

    /// <summary>The tensor of that name. UserException where it is not of that shape; a size below 0 stands for any size.</summary>
    public Tensor Get(string name, params long[] shape)
    {
        Tensor value = Get(name);
        bool fits = value.shape.Length == shape.Length && value.shape.Zip(shape).All(s => s.Second < 0 || s.First == s.Second);
        return fits
            ? value
            : throw new UserException(
                Path, $"{_prefix}{name} {shape.AsShape()}", value.shape.AsShape(), "give a checkpoint of the same architecture");
    }

    /// <summary>The whole number of that name, stored as [1] int64. UserException where it is negative.</summary>
    public long Count(string name) => Number(name) is var number and >= 0
        ? number
        : throw Refused(name, "a number that is not negative", $"{Number(name)}");

    /// <summary>The exception that says that the tensor of that name is not what it must be.</summary>
    internal UserException Refused(string name, string expected, string got) =>
        new(Path, $"{expected} in {_prefix}{name}", got, "give a checkpoint of the same experiment, as ModNet wrote it");

    /// <summary>The whole number of that name, stored as [1] int64.</summary>
    public long Number(string name) => Get(name, 1).ToInt64();

    /// <summary>The real number of that name, stored as [1] float64.</summary>
    public double Real(string name) => Get(name, 1).ToDouble();
}
