namespace TorchSharp;

/// <summary>Tensors in TorchSharp's binary form: type, shape, raw elements.</summary>
public static class TensorSerialization
{
    public static void Save(this torch.Tensor tensor, BinaryWriter writer)
    {
        using var scope = torch.NewDisposeScope();
        var here = tensor.detach().cpu().contiguous();
        writer.Encode((int)tensor.dtype);
        var shape = tensor.shape;
        writer.Encode(shape.Length);
        foreach (var size in shape)
            writer.Encode(size);
        writer.Write(here.bytes);
    }

    /// <summary>Reads elements into the tensor; type and shape must be those saved (skip: they are read and dropped).</summary>
    public static torch.Tensor Load(this torch.Tensor tensor, BinaryReader reader, bool skip = false)
    {
        var type = (torch.ScalarType)reader.Decode();
        var shape = new long[reader.Decode()];
        for (var d = 0; d < shape.Length; d++)
            shape[d] = reader.Decode();
        if (!skip && (type != tensor.dtype || !shape.SequenceEqual(tensor.shape)))
            throw new ArgumentException(
                $"Mismatched tensor: expected {tensor.dtype} [{string.Join(", ", tensor.shape)}], found {type} [{string.Join(", ", shape)}] in the stream.");
        using var here = torch.empty(shape, type);
        reader.BaseStream.ReadExactly(here.bytes);
        if (!skip)
            using (torch.no_grad())
                tensor.copy_(here);
        return tensor;
    }

    /// <summary>LEB128, as TorchSharp writes its integers.</summary>
    internal static void Encode(this BinaryWriter writer, long value) => writer.Write7BitEncodedInt64(value);

    internal static long Decode(this BinaryReader reader) => reader.Read7BitEncodedInt64();
}
