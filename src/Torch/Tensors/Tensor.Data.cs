using ModNet.Torch;
using TorchSharp.Utils;

namespace TorchSharp;

file static class Aten
{
    internal static readonly Op to = new("to.dtype_layout");
    internal static readonly Op copy_ = new("copy_");
    internal static readonly Op clone = new("clone");
    internal static readonly Op zero_ = new("zero_");
    internal static readonly Op fill_ = new("fill_.Scalar");
    internal static readonly Op fill_tensor_ = new("fill_.Tensor");
    internal static readonly Op pin_memory = new("pin_memory");
    internal static readonly Op indices = new("_indices");
    internal static readonly Op values = new("_values");
    internal static readonly Op coalesce = new("coalesce");
    internal static readonly Op to_dense = new("to_dense");
}

public static partial class torch
{
    // What a tensor is, where it lies, and its elements as .NET values.
    public partial class Tensor
    {
        public unsafe long Dimensions => Native.Dim(Handle);
        public long dim() => Dimensions;
        public long ndim => Dimensions;
        public unsafe long NumberOfElements => Native.NumEl(Handle);
        public long numel() => NumberOfElements;
        public unsafe long ElementSize => Native.ItemSize(Handle);
        public long element_size() => ElementSize;

        public unsafe long[] shape
        {
            get
            {
                var sizes = new long[Dimensions];
                fixed (long* p = sizes)
                    Native.Sizes(Handle, p);
                return sizes;
            }
        }

        public long[] size() => shape;

        /// <summary>The size of one dimension; negative counts from the last.</summary>
        public long size(int dim)
        {
            var sizes = shape;
            var at = dim < 0 ? dim + sizes.Length : dim;
            return at >= 0 && at < sizes.Length
                ? sizes[at]
                : throw new IndexOutOfRangeException($"Dimension {dim} of a tensor with {sizes.Length} dimensions.");
        }

        public unsafe long[] stride()
        {
            var strides = new long[Dimensions];
            fixed (long* p = strides)
                Native.Check(Native.Strides(Handle, p));
            GC.KeepAlive(this);
            return strides;
        }

        public long stride(int dim)
        {
            var strides = stride();
            return strides[dim < 0 ? dim + strides.Length : dim];
        }

        public unsafe long storage_offset() => Native.StorageOffset(Handle);

        public unsafe ScalarType dtype => (ScalarType)Native.DType(Handle);

        public unsafe Device device
        {
            get
            {
                long type, index;
                Native.Device(Handle, &type, &index);
                return (DeviceType)type == DeviceType.CPU ? CPU : new Device((DeviceType)type, (int)index);
            }
        }

        public DeviceType device_type => device.type;
        public int device_index => device.index;
        public bool is_cpu() => device_type == DeviceType.CPU;
        public bool is_cuda => device_type == DeviceType.CUDA;
        public bool is_meta => device_type == DeviceType.META;
        public bool is_integral() => torch.is_integral(dtype);
        public bool is_floating_point() => torch.is_floating_point(dtype);
        public bool is_complex() => torch.is_complex(dtype);
        public unsafe bool is_contiguous() => Native.IsContiguous(Handle) != 0;
        public unsafe bool is_sparse => Native.IsSparse(Handle) != 0;

        /// <summary>Of a sparse tensor, the places of its values: [sparse dimensions, values].</summary>
        public Tensor SparseIndices => Aten.indices.Call(this);

        /// <summary>Of a sparse tensor, its values: [values, …dense dimensions]. Several of one place count as their sum.</summary>
        public Tensor SparseValues => Aten.values.Call(this);

        /// <summary>Of a sparse tensor, the same with one value for every place, in order.</summary>
        public Tensor coalesce() => Aten.coalesce.Call(this);

        public Tensor to_dense() => Aten.to_dense.Call(this);

        internal unsafe void* DataPointer
        {
            get
            {
                void* data;
                Native.Check(Native.Data(Handle, &data));
                GC.KeepAlive(this);
                return data;
            }
        }

        /// <summary>The elements, in place when the tensor is on the CPU.</summary>
        /// <exception cref="ArgumentException">T is not the tensor's element type.</exception>
        public TensorAccessor<T> data<T>() where T : unmanaged
        {
            ValidateType(typeof(T));
            if (device_type == DeviceType.CPU)
                return new TensorAccessor<T>(this);
            using var here = cpu();
            return new TensorAccessor<T>(here);
        }

        /// <summary>The raw bytes of a contiguous CPU tensor, in place: valid while the tensor lives.</summary>
        public unsafe Span<byte> bytes
        {
            get
            {
                if (!is_contiguous() || device_type != DeviceType.CPU)
                    throw new InvalidOperationException("The bytes of a tensor that is not contiguous on the CPU cannot be seen in place; call contiguous() and cpu() first.");
                return new Span<byte>(DataPointer, checked((int)(NumberOfElements * ElementSize)));
            }
            set
            {
                if (value.Length != NumberOfElements * ElementSize)
                    throw new ArgumentException($"{value.Length} bytes for a tensor of {NumberOfElements * ElementSize} bytes.");
                if (device_type == DeviceType.CPU && is_contiguous())
                {
                    value.CopyTo(bytes);
                    return;
                }
                using var here = empty(shape, dtype);
                value.CopyTo(here.bytes);
                using (no_grad())
                    copy_(here);
            }
        }

        /// <summary>The value of a one-element tensor.</summary>
        public unsafe T item<T>() where T : unmanaged
        {
            if (NumberOfElements != 1)
                throw new ArgumentException("Number of elements in the tensor must be 1");
            ValidateType(typeof(T));
            if (device_type == DeviceType.CPU)
            {
                var value = *(T*)DataPointer;
                GC.KeepAlive(this);
                return value;
            }
            using var here = cpu();
            return *(T*)here.DataPointer;
        }

        internal void ValidateType(Type type)
        {
            if (type != NetType(dtype))
                throw new ArgumentException($"{type.Name} is not compatible with {dtype}");
        }

        private static Type NetType(ScalarType type) => type switch
        {
            ScalarType.Byte => typeof(byte),
            ScalarType.Int8 => typeof(sbyte),
            ScalarType.Int16 => typeof(short),
            ScalarType.Int32 => typeof(int),
            ScalarType.Int64 => typeof(long),
            ScalarType.Float16 => typeof(Half),
            ScalarType.Float32 => typeof(float),
            ScalarType.Float64 => typeof(double),
            ScalarType.Bool => typeof(bool),
            ScalarType.ComplexFloat32 => typeof((float, float)),
            ScalarType.ComplexFloat64 => typeof(System.Numerics.Complex),
            _ => typeof(ushort),
        };

        /// <summary>The value of a one-element tensor as a scalar.</summary>
        public Scalar ToScalar()
        {
            if (is_complex())
                throw new NotSupportedException("A complex element is no Scalar here.");
            if (dtype == ScalarType.Bool)
                return Scalar.Truth(item<bool>());
            var type = dtype;
            if (torch.is_integral(type))
                return Scalar.Int(As<long>(ScalarType.Int64), type);
            return Scalar.Real(As<double>(ScalarType.Float64), type);
        }

        private T As<T>(ScalarType type) where T : unmanaged
        {
            if (dtype == type)
                return item<T>();
            using var detached = detach();
            using var converted = detached.to_type(type);
            return converted.item<T>();
        }

        public static explicit operator float(Tensor value) => value.ToSingle();
        public static explicit operator double(Tensor value) => value.ToDouble();
        public static explicit operator sbyte(Tensor value) => value.As<sbyte>(ScalarType.Int8);
        public static explicit operator byte(Tensor value) => value.ToByte();
        public static explicit operator short(Tensor value) => value.ToInt16();
        public static explicit operator int(Tensor value) => value.ToInt32();
        public static explicit operator long(Tensor value) => value.ToInt64();
        public static explicit operator bool(Tensor value) => value.ToBoolean();

        internal T Convert<T>(ScalarType type) where T : unmanaged => As<T>(type);

        /// <summary>Another object over the same elements if nothing changes, else a converted copy; either way disposed on its own.</summary>
        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Converted(type, null, copy, disposeAfter, non_blocking);

        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Converted(null, device, copy, disposeAfter, non_blocking);

        public Tensor to(DeviceType deviceType, int deviceIndex = -1, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(new Device(deviceType, deviceIndex), copy, disposeAfter, non_blocking);

        public Tensor to(string device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(new Device(device), copy, disposeAfter, non_blocking);

        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Converted(type, device, copy, disposeAfter, non_blocking);

        public Tensor to(Tensor other, bool disposeAfter = false) => to(other.dtype, other.device, disposeAfter: disposeAfter);

        public Tensor to_type(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(type, copy, disposeAfter, non_blocking);

        public Tensor type(ScalarType dtype) => to(dtype);

        public Tensor type_as(Tensor tensor) => to_type(tensor.dtype);

        public Tensor cpu(bool disposeAfter = false) => to(CPU, disposeAfter: disposeAfter);

        public Tensor cuda(Device? device = null, bool disposeAfter = false, bool non_blocking = false) =>
            to(device ?? CUDA, disposeAfter: disposeAfter, non_blocking: non_blocking);

        private Tensor Converted(ScalarType? type, Device? device, bool copy, bool disposeAfter, bool non_blocking)
        {
            var result = !copy && (type is null || type == dtype) && (device is null || Same(device))
                ? alias()
                : Aten.to.Call(this, type, Arg.None, device, Arg.None, non_blocking, copy);
            if (disposeAfter)
                Dispose();
            return result;
        }

        private bool Same(Device other)
        {
            var mine = device;
            return mine.type == other.type && (other.index < 0 || mine.index == other.index || mine.type == DeviceType.CPU);
        }

        public Tensor @float() => to(ScalarType.Float32);
        public Tensor @double() => to(ScalarType.Float64);
        public Tensor half() => to(ScalarType.Float16);
        public Tensor bfloat16() => to(ScalarType.BFloat16);
        public Tensor @long() => to(ScalarType.Int64);
        public Tensor @int() => to(ScalarType.Int32);
        public Tensor @short() => to(ScalarType.Int16);
        public Tensor @byte() => to(ScalarType.Byte);
        public Tensor @bool() => to(ScalarType.Bool);

        public Tensor copy_(Tensor source, bool non_blocking = false) => Aten.copy_.InPlace(this, this, source, non_blocking);
        public Tensor clone() => Aten.clone.Call(this);
        public Tensor zero_() => Aten.zero_.InPlace(this, this);
        public Tensor fill_(Scalar value) => Aten.fill_.InPlace(this, this, value);
        public Tensor fill_(Tensor value) => Aten.fill_tensor_.InPlace(this, this, value);
        public Tensor pin_memory() => Aten.pin_memory.Call(this);
    }

    public static Tensor clone(Tensor input) => input.clone();
    public static long numel(Tensor input) => input.numel();
    public static bool is_tensor(object obj) => obj is Tensor;
}

/// <summary>One-element tensors as .NET values.</summary>
public static class TensorExtensionMethods
{
    public static bool ToBoolean(this torch.Tensor value) => value.Convert<bool>(torch.ScalarType.Bool);
    public static byte ToByte(this torch.Tensor value) => value.Convert<byte>(torch.ScalarType.Byte);
    public static sbyte ToSByte(this torch.Tensor value) => value.Convert<sbyte>(torch.ScalarType.Int8);
    public static short ToInt16(this torch.Tensor value) => value.Convert<short>(torch.ScalarType.Int16);
    public static int ToInt32(this torch.Tensor value) => value.Convert<int>(torch.ScalarType.Int32);
    public static long ToInt64(this torch.Tensor value) => value.Convert<long>(torch.ScalarType.Int64);
    public static float ToSingle(this torch.Tensor value) => value.Convert<float>(torch.ScalarType.Float32);
    public static double ToDouble(this torch.Tensor value) => value.Convert<double>(torch.ScalarType.Float64);

    /// <summary>A tensor over a copy of the array's elements.</summary>
    public static torch.Tensor ToTensor<T>(this T[] rawArray, long[] dimensions, bool doCopy = false, bool requires_grad = false) where T : unmanaged =>
        torch.FromArray(rawArray, dimensions, torch.ToScalarType(typeof(T)), null, null, requires_grad);
}
