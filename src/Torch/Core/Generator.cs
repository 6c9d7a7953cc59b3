using ModNet.Torch;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A random number generator with a state of its own.</summary>
    public class Generator : IDisposable
    {
        public IntPtr Handle { get; private set; }

        /// <summary>The device whose random numbers it makes.</summary>
        public Device device { get; }

        /// <param name="seed">The initial seed.</param>
        /// <param name="device">CPU when null.</param>
        public unsafe Generator(ulong seed = 0, Device? device = null)
        {
            Libtorch.EnsureLoaded();
            this.device = device ?? CPU;
            nint handle;
            Native.Check(Native.GeneratorNew((long)this.device.type, this.device.index, seed, &handle));
            Handle = handle;
        }

        private Generator(nint handle, Device device)
        {
            Handle = handle;
            this.device = device;
        }

        ~Generator() => Dispose(false);

        /// <summary>The CPU's global generator.</summary>
        public static unsafe Generator Default
        {
            get
            {
                Libtorch.EnsureLoaded();
                nint handle;
                Native.Check(Native.GeneratorDefault((long)DeviceType.CPU, -1, &handle));
                return new Generator(handle, CPU);
            }
        }

        /// <summary>The whole state, as a byte tensor.</summary>
        public unsafe Tensor get_state()
        {
            nint state;
            Native.Check(Native.GeneratorState(Handle, &state));
            GC.KeepAlive(this);
            return Tensor.Own(state);
        }

        /// <summary>Restores a state that <see cref="get_state"/> gave.</summary>
        public unsafe void set_state(Tensor value)
        {
            Native.Check(Native.GeneratorSetState(Handle, value.Handle));
            GC.KeepAlive(value);
            GC.KeepAlive(this);
        }

        public unsafe Generator manual_seed(long seed)
        {
            Native.Check(Native.GeneratorSeed(Handle, unchecked((ulong)seed)));
            GC.KeepAlive(this);
            return this;
        }

        /// <summary>Seeds from the clock and returns the seed.</summary>
        public long seed()
        {
            var ticks = DateTime.UtcNow.Ticks;
            manual_seed(ticks);
            return ticks;
        }

        public unsafe long initial_seed()
        {
            var seed = Native.GeneratorCurrentSeed(Handle);
            GC.KeepAlive(this);
            return unchecked((long)seed);
        }

        protected virtual unsafe void Dispose(bool disposing)
        {
            if (Handle == 0)
                return;
            Native.GeneratorFree(Handle);
            Handle = 0;
        }

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }
    }

    /// <summary>Seeds the global generators of all devices.</summary>
    public static unsafe Generator manual_seed(long seed)
    {
        Libtorch.EnsureLoaded();
        Native.Check(Native.ManualSeed(unchecked((ulong)seed)));
        return Generator.Default;
    }

    /// <summary>Seeds the global generators from the clock and returns the seed.</summary>
    public static long seed()
    {
        var ticks = DateTime.UtcNow.Ticks;
        manual_seed(ticks).Dispose();
        return ticks;
    }

    public static long initial_seed()
    {
        using var generator = Generator.Default;
        return generator.initial_seed();
    }

    public static Tensor get_rng_state()
    {
        using var generator = Generator.Default;
        return generator.get_state();
    }

    public static void set_rng_state(Tensor new_state)
    {
        using var generator = Generator.Default;
        generator.set_state(new_state);
    }

    public static partial class random
    {
        public static Generator manual_seed(long seed) => torch.manual_seed(seed);

        public static Tensor get_rng_state() => torch.get_rng_state();

        public static void set_rng_state(Tensor new_state) => torch.set_rng_state(new_state);
    }
}
