using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace ModNet.Torch;

/// <summary>An aten operator, looked up by name once. Held in static fields; calling one allocates nothing but its results.</summary>
internal sealed unsafe class Op(string name)
{
    private const int StackLimit = 128;
    private nint handle;

    /// <summary>Told of every call: the operator's name and its arguments.</summary>
    internal delegate void CallObserver(string name, ReadOnlySpan<Arg> args);

    /// <summary>Told before every operator is called, on the calling thread; null for none. For tests that count work.</summary>
    internal static CallObserver? Observer { get; set; }

    /// <summary>The operator's full schema, as libtorch prints it.</summary>
    internal string Schema => Marshal.PtrToStringUTF8(Native.Schema(Resolved())) ?? "";

    /// <summary>Calls an operator with one tensor result.</summary>
    internal Tensor Call(params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        Invoke(args, &result, 1);
        return Tensor.Own((nint)result.Bits);
    }

    /// <summary>Calls an in-place operator: the result is the first argument itself.</summary>
    internal Tensor InPlace(Tensor self, params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        Invoke(args, &result, 1);
        Native.Free((nint)result.Bits);
        return self;
    }

    internal (Tensor, Tensor) Call2(params ReadOnlySpan<Arg> args)
    {
        var results = stackalloc NativeValue[2];
        Invoke(args, results, 2);
        return (Tensor.Own((nint)results[0].Bits), Tensor.Own((nint)results[1].Bits));
    }

    internal (Tensor, Tensor, Tensor) Call3(params ReadOnlySpan<Arg> args)
    {
        var results = stackalloc NativeValue[3];
        Invoke(args, results, 3);
        return (Tensor.Own((nint)results[0].Bits), Tensor.Own((nint)results[1].Bits), Tensor.Own((nint)results[2].Bits));
    }

    internal Tensor[] CallList(params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        Invoke(args, &result, 1);
        return TakeList(result);
    }

    internal void CallVoid(params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        if (Invoke(args, &result, 1) == 1)
            Drop(result);
    }

    /// <summary>Calls an operator whose result is an int, a bool or a double, given as raw bits.</summary>
    internal long CallBits(params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        Invoke(args, &result, 1);
        return result.Bits;
    }

    /// <summary>Calls any operator; the results become .NET objects.</summary>
    internal object?[] CallAny(ReadOnlySpan<Arg> args)
    {
        const int most = 16;
        var results = stackalloc NativeValue[most];
        var objects = new object?[Invoke(args, results, most)];
        for (var i = 0; i < objects.Length; i++)
            objects[i] = results[i].Tag switch
            {
                Tag.Tensor => results[i].Bits == 0 ? null : Tensor.Own((nint)results[i].Bits),
                Tag.TensorList => TakeList(results[i]),
                Tag.Int => results[i].Bits,
                Tag.Double => BitConverter.Int64BitsToDouble(results[i].Bits),
                Tag.Bool => results[i].Bits != 0,
                _ => null,
            };
        return objects;
    }

    internal static Tensor[] TakeList(in NativeValue list)
    {
        var handles = (nint*)list.Bits;
        var tensors = new Tensor[list.Count];
        for (var i = 0; i < tensors.Length; i++)
            tensors[i] = handles[i] == 0 ? null! : Tensor.Own(handles[i]);
        Native.Release(handles);
        return tensors;
    }

    private static void Drop(in NativeValue value)
    {
        if (value.Tag == Tag.Tensor)
            Native.Free((nint)value.Bits);
        else if (value.Tag == Tag.TensorList)
        {
            var handles = (nint*)value.Bits;
            for (var i = 0; i < value.Count; i++)
                Native.Free(handles[i]);
            Native.Release(handles);
        }
    }

    private nint Resolved() => handle != 0 ? handle : Resolve();

    private nint Resolve()
    {
        Libtorch.EnsureLoaded();
        var dot = name.IndexOf('.');
        var qualified = name.Contains("::") ? "" : "aten::";
        var (stem, overload) = dot < 0 ? (name, "") : (name[..dot], name[(dot + 1)..]);
        nint found;
        fixed (byte* n = Encoding.UTF8.GetBytes(qualified + stem + '\0'), o = Encoding.UTF8.GetBytes(overload + '\0'))
            Native.Check(Native.Find(n, o, &found));
        return handle = found;
    }

    [SkipLocalsInit]
    private int Invoke(ReadOnlySpan<Arg> args, NativeValue* results, int capacity)
    {
        Observer?.Invoke(name, args);
        var op = handle != 0 ? handle : Resolve();
        var words = 0;
        foreach (ref readonly var arg in args)
            words += arg.Tag < Tag.IntList ? 0 : Words(arg);
        var values = stackalloc NativeValue[args.Length];
        var small = stackalloc long[words <= StackLimit ? words : 0];
        fixed (long* large = words <= StackLimit ? null : new long[words])
        {
            var next = large is null ? small : large;
            for (var i = 0; i < args.Length; i++)
            {
                ref readonly var arg = ref args[i];
                values[i].Tag = arg.Tag;
                values[i].Bits = arg.Bits;
                if (arg.Tag >= Tag.IntList)
                    next = Store(arg, ref values[i], next);
            }
            long produced;
            var code = Native.Call(op, values, args.Length, results, capacity, &produced);
            // The arguments' objects must outlive the call: a finalizer would free what it reads.
            foreach (ref readonly var arg in args)
                GC.KeepAlive(arg.Object);
            Native.Check(code);
            return (int)produced;
        }
    }

    // How many 8-byte words the argument's elements need.
    private static int Words(in Arg arg) => arg.Object switch
    {
        string text => (Encoding.UTF8.GetByteCount(text) + 7) / 8,
        Array list => list.Length,
        _ => 0,
    };

    private static long* Store(in Arg arg, ref NativeValue value, long* next)
    {
        value.Bits = (long)next;
        switch (arg.Object)
        {
            case long[] ints:
                value.Count = ints.Length;
                ints.CopyTo(new Span<long>(next, ints.Length));
                return next + ints.Length;
            case double[] doubles:
                value.Count = doubles.Length;
                doubles.CopyTo(new Span<double>(next, doubles.Length));
                return next + doubles.Length;
            case bool[] bools:
                value.Count = bools.Length;
                foreach (var b in bools)
                    *next++ = b ? 1 : 0;
                return next;
            case Tensor?[] tensors:
                value.Count = tensors.Length;
                foreach (var tensor in tensors)
                    *next++ = tensor is null ? 0 : tensor.Handle;
                return next;
            case string text:
                var words = (Encoding.UTF8.GetByteCount(text) + 7) / 8;
                value.Count = Encoding.UTF8.GetBytes(text, new Span<byte>(next, words * 8));
                return next + words;
            case torch.Device device:
                value.Bits = (long)device.type;
                value.Count = device.index;
                return next;
            case torch.Generator generator:
                value.Bits = generator.Handle;
                return next;
            default:
                throw new ArgumentException($"An operator argument of type {arg.Object?.GetType().Name} has no native form.");
        }
    }
}
