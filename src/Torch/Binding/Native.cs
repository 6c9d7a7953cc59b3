using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ModNet.Torch;

/// <summary>The kind of a boxed argument or result; mirrors <c>Tag</c> in shim.cpp.</summary>
internal enum Tag : long
{
    Default, None, Tensor, Int, Double, Bool, IntList, DoubleList, BoolList, TensorList, String, Device, Generator,
}

/// <summary>A boxed argument or result; mirrors <c>Value</c> in shim.cpp.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeValue
{
    internal Tag Tag;
    internal long Count;
    internal long Bits;
}

/// <summary>The managed half of a custom autograd function; mirrors <c>Callbacks</c> in shim.cpp.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeCallbacks
{
    internal delegate* unmanaged<nint, nint, NativeValue*, nint> Forward;
    internal delegate* unmanaged<nint, nint, nint*, long, NativeValue*, nint> Backward;
    internal delegate* unmanaged<nint, void> Release;
}

/// <summary>The shim's functions. Bound by <see cref="Libtorch.EnsureLoaded"/>, so a missing libtorch is reported as itself.</summary>
internal static unsafe class Native
{
    internal static delegate* unmanaged<nint> Error;
    internal static delegate* unmanaged<long, nint> Alloc;
    internal static delegate* unmanaged<void*, void> Release;
    internal static delegate* unmanaged<nint> Version;
    internal static delegate* unmanaged<nint> Config;
    internal static delegate* unmanaged<nint> ParallelInfo;
    internal static delegate* unmanaged<long> Live;
    internal static delegate* unmanaged<byte*, byte*, nint*, int> Find;
    internal static delegate* unmanaged<nint, nint> Schema;
    internal static delegate* unmanaged<nint, NativeValue*, long, NativeValue*, long, long*, int> Call;
    internal static delegate* unmanaged<nint, void> Free;
    internal static delegate* unmanaged<nint, nint> Share;
    internal static delegate* unmanaged[SuppressGCTransition]<nint, long> Dim;
    internal static delegate* unmanaged[SuppressGCTransition]<nint, long> NumEl;
    internal static delegate* unmanaged[SuppressGCTransition]<nint, long> ItemSize;
    internal static delegate* unmanaged[SuppressGCTransition]<nint, long> DType;
    internal static delegate* unmanaged[SuppressGCTransition]<nint, long> StorageOffset;
    internal static delegate* unmanaged[SuppressGCTransition]<nint, long*, long*, void> Device;
    internal static delegate* unmanaged[SuppressGCTransition]<nint, long*, void> Sizes;
    internal static delegate* unmanaged<nint, long*, int> Strides;
    internal static delegate* unmanaged<nint, void**, int> Data;
    internal static delegate* unmanaged[SuppressGCTransition]<nint, int> IsContiguous;
    internal static delegate* unmanaged[SuppressGCTransition]<nint, int> IsSparse;
    internal static delegate* unmanaged<nint, int> IsLeaf;
    internal static delegate* unmanaged<nint, int> RequiresGrad;
    internal static delegate* unmanaged<nint, int, int> SetRequiresGrad;
    internal static delegate* unmanaged<nint, nint*, int> Grad;
    internal static delegate* unmanaged<nint, nint, int> SetGrad;
    internal static delegate* unmanaged<nint, nint, int> SetData;
    internal static delegate* unmanaged<nint*, nint*, long, int, int, nint*, long, int> Backward;
    internal static delegate* unmanaged<nint*, long, nint*, long, nint*, int, int, int, NativeValue*, int> AutogradGrad;
    internal static delegate* unmanaged[SuppressGCTransition]<int> GradMode;
    internal static delegate* unmanaged[SuppressGCTransition]<int, void> SetGradMode;
    internal static delegate* unmanaged<nint*, long, NativeCallbacks, nint, NativeValue*, int> Function;
    internal static delegate* unmanaged<nint, nint*, long, int> ContextSave;
    internal static delegate* unmanaged<nint, NativeValue*, int> ContextSaved;
    internal static delegate* unmanaged<nint, nint*, long, int, int> ContextMark;
    internal static delegate* unmanaged<nint, int, void> ContextMaterialize;
    internal static delegate* unmanaged<ulong, int> ManualSeed;
    internal static delegate* unmanaged<long, long, ulong, nint*, int> GeneratorNew;
    internal static delegate* unmanaged<long, long, nint*, int> GeneratorDefault;
    internal static delegate* unmanaged<nint, void> GeneratorFree;
    internal static delegate* unmanaged<nint, ulong, int> GeneratorSeed;
    internal static delegate* unmanaged<nint, ulong> GeneratorCurrentSeed;
    internal static delegate* unmanaged<nint, nint*, int> GeneratorState;
    internal static delegate* unmanaged<nint, nint, int> GeneratorSetState;
    internal static delegate* unmanaged<long> Threads;
    internal static delegate* unmanaged<long, int> SetThreads;
    internal static delegate* unmanaged<long> InteropThreads;
    internal static delegate* unmanaged<long, int> SetInteropThreads;
    internal static delegate* unmanaged<long> CudaCount;
    internal static delegate* unmanaged<long, int> CudaSynchronize;

    internal static void Bind(nint library)
    {
        void* F(string name) => (void*)NativeLibrary.GetExport(library, "modnet_" + name);
        Error = (delegate* unmanaged<nint>)F("error");
        Alloc = (delegate* unmanaged<long, nint>)F("alloc");
        Release = (delegate* unmanaged<void*, void>)F("release");
        Version = (delegate* unmanaged<nint>)F("version");
        Config = (delegate* unmanaged<nint>)F("config");
        ParallelInfo = (delegate* unmanaged<nint>)F("parallel_info");
        Live = (delegate* unmanaged<long>)F("live");
        Find = (delegate* unmanaged<byte*, byte*, nint*, int>)F("find");
        Schema = (delegate* unmanaged<nint, nint>)F("schema");
        Call = (delegate* unmanaged<nint, NativeValue*, long, NativeValue*, long, long*, int>)F("call");
        Free = (delegate* unmanaged<nint, void>)F("free");
        Share = (delegate* unmanaged<nint, nint>)F("share");
        Dim = (delegate* unmanaged[SuppressGCTransition]<nint, long>)F("dim");
        NumEl = (delegate* unmanaged[SuppressGCTransition]<nint, long>)F("numel");
        ItemSize = (delegate* unmanaged[SuppressGCTransition]<nint, long>)F("itemsize");
        DType = (delegate* unmanaged[SuppressGCTransition]<nint, long>)F("dtype");
        StorageOffset = (delegate* unmanaged[SuppressGCTransition]<nint, long>)F("storage_offset");
        Device = (delegate* unmanaged[SuppressGCTransition]<nint, long*, long*, void>)F("device");
        Sizes = (delegate* unmanaged[SuppressGCTransition]<nint, long*, void>)F("sizes");
        Strides = (delegate* unmanaged<nint, long*, int>)F("strides");
        Data = (delegate* unmanaged<nint, void**, int>)F("data");
        IsContiguous = (delegate* unmanaged[SuppressGCTransition]<nint, int>)F("is_contiguous");
        IsSparse = (delegate* unmanaged[SuppressGCTransition]<nint, int>)F("is_sparse");
        IsLeaf = (delegate* unmanaged<nint, int>)F("is_leaf");
        RequiresGrad = (delegate* unmanaged<nint, int>)F("requires_grad");
        SetRequiresGrad = (delegate* unmanaged<nint, int, int>)F("set_requires_grad");
        Grad = (delegate* unmanaged<nint, nint*, int>)F("grad");
        SetGrad = (delegate* unmanaged<nint, nint, int>)F("set_grad");
        SetData = (delegate* unmanaged<nint, nint, int>)F("set_data");
        Backward = (delegate* unmanaged<nint*, nint*, long, int, int, nint*, long, int>)F("backward");
        AutogradGrad = (delegate* unmanaged<nint*, long, nint*, long, nint*, int, int, int, NativeValue*, int>)F("autograd_grad");
        GradMode = (delegate* unmanaged[SuppressGCTransition]<int>)F("grad_mode");
        SetGradMode = (delegate* unmanaged[SuppressGCTransition]<int, void>)F("set_grad_mode");
        Function = (delegate* unmanaged<nint*, long, NativeCallbacks, nint, NativeValue*, int>)F("function");
        ContextSave = (delegate* unmanaged<nint, nint*, long, int>)F("context_save");
        ContextSaved = (delegate* unmanaged<nint, NativeValue*, int>)F("context_saved");
        ContextMark = (delegate* unmanaged<nint, nint*, long, int, int>)F("context_mark");
        ContextMaterialize = (delegate* unmanaged<nint, int, void>)F("context_materialize");
        ManualSeed = (delegate* unmanaged<ulong, int>)F("manual_seed");
        GeneratorNew = (delegate* unmanaged<long, long, ulong, nint*, int>)F("generator_new");
        GeneratorDefault = (delegate* unmanaged<long, long, nint*, int>)F("generator_default");
        GeneratorFree = (delegate* unmanaged<nint, void>)F("generator_free");
        GeneratorSeed = (delegate* unmanaged<nint, ulong, int>)F("generator_seed");
        GeneratorCurrentSeed = (delegate* unmanaged<nint, ulong>)F("generator_current_seed");
        GeneratorState = (delegate* unmanaged<nint, nint*, int>)F("generator_state");
        GeneratorSetState = (delegate* unmanaged<nint, nint, int>)F("generator_set_state");
        Threads = (delegate* unmanaged<long>)F("threads");
        SetThreads = (delegate* unmanaged<long, int>)F("set_threads");
        InteropThreads = (delegate* unmanaged<long>)F("interop_threads");
        SetInteropThreads = (delegate* unmanaged<long, int>)F("set_interop_threads");
        CudaCount = (delegate* unmanaged<long>)F("cuda_count");
        CudaSynchronize = (delegate* unmanaged<long, int>)F("cuda_synchronize");
    }

    /// <summary>Turns a failed native call into .NET's exception with libtorch's message.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Check(int code)
    {
        if (code != 0)
            Fail();
    }

    private static void Fail() => throw new ExternalException(Marshal.PtrToStringUTF8(Error()));
}
