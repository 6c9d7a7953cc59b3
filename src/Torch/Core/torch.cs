using System.Runtime.InteropServices;
using ModNet.Torch;

namespace TorchSharp;

/// <summary>TorchSharp's torch, as far as ModNet uses it, over the libtorch of the machine.</summary>
public static partial class torch
{
    /// <summary>The version of the libtorch in use.</summary>
    public static unsafe string __version__
    {
        get
        {
            Libtorch.EnsureLoaded();
            return Marshal.PtrToStringUTF8(Native.Version()) ?? "";
        }
    }

    /// <summary>The number of threads used inside an operator.</summary>
    public static unsafe int get_num_threads()
    {
        Libtorch.EnsureLoaded();
        return (int)Native.Threads();
    }

    public static unsafe void set_num_threads(int num)
    {
        Libtorch.EnsureLoaded();
        Native.Check(Native.SetThreads(num));
    }

    /// <summary>The number of threads that operators may run on side by side.</summary>
    public static unsafe int get_num_interop_threads()
    {
        Libtorch.EnsureLoaded();
        return (int)Native.InteropThreads();
    }

    public static unsafe void set_num_interop_threads(int num)
    {
        Libtorch.EnsureLoaded();
        Native.Check(Native.SetInteropThreads(num));
    }

    /// <summary>Loads libtorch and says whether the device type can be used.</summary>
    public static void InitializeDeviceType(DeviceType deviceType)
    {
        if (!TryInitializeDeviceType(deviceType))
            throw new InvalidOperationException($"Torch device type {deviceType} is not available on this machine.");
    }

    public static bool TryInitializeDeviceType(DeviceType deviceType)
    {
        Libtorch.EnsureLoaded();
        return deviceType != DeviceType.CUDA || cuda.is_available();
    }

    public static class cuda
    {
        public static bool is_available() => device_count() > 0;

        public static unsafe int device_count()
        {
            Libtorch.EnsureLoaded();
            return (int)Native.CudaCount();
        }

        /// <summary>Seeds the current CUDA device's generator (libtorch seeds all devices at once).</summary>
        public static Generator manual_seed(long seed) => torch.manual_seed(seed);

        public static Generator manual_seed_all(long seed) => torch.manual_seed(seed);

        /// <summary>Waits for all kernels on the device.</summary>
        public static unsafe void synchronize(Device? device = null)
        {
            Libtorch.EnsureLoaded();
            Native.Check(Native.CudaSynchronize(device?.index ?? -1));
        }
    }
}
