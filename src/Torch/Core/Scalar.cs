using ModNet.Torch;

namespace TorchSharp;

/// <summary>A number of any element type; .NET numbers convert to it implicitly.</summary>
public sealed class Scalar : IDisposable
{
    internal Tag Tag { get; }

    internal long Bits { get; }

    private Scalar(Tag tag, long bits, torch.ScalarType type)
    {
        Tag = tag;
        Bits = bits;
        Type = type;
    }

    public torch.ScalarType Type { get; }

    internal static Scalar Int(long value, torch.ScalarType type) => new(Tag.Int, value, type);

    internal static Scalar Real(double value, torch.ScalarType type) => new(Tag.Double, BitConverter.DoubleToInt64Bits(value), type);

    internal static Scalar Truth(bool value) => new(Tag.Bool, value ? 1 : 0, torch.ScalarType.Bool);

    internal double AsDouble => Tag == Tag.Double ? BitConverter.Int64BitsToDouble(Bits) : Bits;

    internal long AsLong => Tag == Tag.Double ? (long)BitConverter.Int64BitsToDouble(Bits) : Bits;

    public static implicit operator Scalar(byte value) => Int(value, torch.ScalarType.Byte);
    public static implicit operator Scalar(sbyte value) => Int(value, torch.ScalarType.Int8);
    public static implicit operator Scalar(short value) => Int(value, torch.ScalarType.Int16);
    public static implicit operator Scalar(int value) => Int(value, torch.ScalarType.Int32);
    public static implicit operator Scalar(long value) => Int(value, torch.ScalarType.Int64);
    public static implicit operator Scalar(Half value) => Real((double)value, torch.ScalarType.Float16);
    public static implicit operator Scalar(float value) => Real(value, torch.ScalarType.Float32);
    public static implicit operator Scalar(double value) => Real(value, torch.ScalarType.Float64);
    public static implicit operator Scalar(bool value) => Truth(value);

    public override string ToString() =>
        Tag == Tag.Bool ? (Bits != 0).ToString() : Tag == Tag.Int ? Bits.ToString() : AsDouble.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Nothing native is held; part of TorchSharp's API.</summary>
    public void Dispose()
    {
    }
}

/// <summary>Explicit conversions between .NET numbers and scalars.</summary>
public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this byte value) => value;
    public static Scalar ToScalar(this sbyte value) => value;
    public static Scalar ToScalar(this short value) => value;
    public static Scalar ToScalar(this int value) => value;
    public static Scalar ToScalar(this long value) => value;
    public static Scalar ToScalar(this Half value) => value;
    public static Scalar ToScalar(this float value) => value;
    public static Scalar ToScalar(this double value) => value;
    public static Scalar ToScalar(this bool value) => value;
    public static byte ToByte(this Scalar value) => (byte)value.AsLong;
    public static sbyte ToSByte(this Scalar value) => (sbyte)value.AsLong;
    public static short ToInt16(this Scalar value) => (short)value.AsLong;
    public static int ToInt32(this Scalar value) => (int)value.AsLong;
    public static long ToInt64(this Scalar value) => value.AsLong;
    public static float ToSingle(this Scalar value) => (float)value.AsDouble;
    public static double ToDouble(this Scalar value) => value.AsDouble;
    public static bool ToBoolean(this Scalar value) => value.AsDouble != 0;
}
