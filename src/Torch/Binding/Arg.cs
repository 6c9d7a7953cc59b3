using TorchSharp;

namespace ModNet.Torch;

/// <summary>One argument of an operator, before it crosses to native code. Keeps its object alive until the call has returned.</summary>
public readonly struct Arg
{
    internal readonly object? Object;
    internal readonly Tag Tag;
    internal readonly long Bits;

    private Arg(Tag tag, long bits, object? obj)
    {
        Tag = tag;
        Bits = bits;
        Object = obj;
    }

    private static Arg Of(Tag tag, object? obj) => obj is null ? None : new(tag, 0, obj);

    /// <summary>The schema's default value; also what trailing missing arguments mean.</summary>
    public static Arg Default => default;

    /// <summary>An absent optional.</summary>
    public static Arg None => new(Tag.None, 0, null);

    public static implicit operator Arg(torch.Tensor? tensor) => tensor is null ? None : new(Tag.Tensor, tensor.Handle, tensor);
    public static implicit operator Arg(int value) => new(Tag.Int, value, null);
    public static implicit operator Arg(long value) => new(Tag.Int, value, null);
    public static implicit operator Arg(long? value) => value is { } v ? v : None;
    public static implicit operator Arg(double value) => new(Tag.Double, BitConverter.DoubleToInt64Bits(value), null);
    public static implicit operator Arg(double? value) => value is { } v ? v : None;
    public static implicit operator Arg(bool value) => new(Tag.Bool, value ? 1 : 0, null);
    public static implicit operator Arg(bool? value) => value is { } v ? v : None;
    public static implicit operator Arg(string? value) => Of(Tag.String, value);
    public static implicit operator Arg(long[]? values) => Of(Tag.IntList, values);
    public static implicit operator Arg(double[]? values) => Of(Tag.DoubleList, values);
    public static implicit operator Arg(bool[]? values) => Of(Tag.BoolList, values);
    public static implicit operator Arg(torch.Tensor?[]? tensors) => Of(Tag.TensorList, tensors);
    public static implicit operator Arg(torch.ScalarType value) => new(Tag.Int, (long)value, null);
    public static implicit operator Arg(torch.ScalarType? value) => value is { } v ? v : None;
    public static implicit operator Arg(torch.Device? value) => Of(Tag.Device, value);
    public static implicit operator Arg(torch.Generator? value) => Of(Tag.Generator, value);
    public static implicit operator Arg(Scalar? value) => value is null ? None : new(value.Tag, value.Bits, null);
}
