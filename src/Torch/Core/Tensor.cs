using System.Runtime.CompilerServices;
using ModNet.Torch;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A libtorch tensor. Holds one native reference, released by Dispose, the dispose scope, or the finalizer.</summary>
    public partial class Tensor : IDisposable
    {
        private static long totalCount;
        private static long peakCount;

        internal nint handle;

        internal Tensor(nint handle)
        {
            this.handle = handle;
            var count = Interlocked.Increment(ref totalCount);
            if (count > peakCount)
                peakCount = count;
            if (DisposeScopeManager.ThreadSingleton.Innermost is { } scope)
            {
                OwningDisposeScope = scope;
                scope.Include(this);
            }
        }

        ~Tensor() => Release();

        internal DisposeScope? OwningDisposeScope { get; set; }

        /// <summary>A name for debugging.</summary>
        public string? name { get; set; }

        /// <summary>The number of live tensor objects.</summary>
        public static long TotalCount => Interlocked.Read(ref totalCount);

        /// <summary>The most tensor objects that ever lived at once.</summary>
        public static long PeakCount => Interlocked.Read(ref peakCount);

        /// <summary>Whether it has been disposed.</summary>
        public bool IsInvalid => handle == 0;

        /// <summary>The native tensor.</summary>
        /// <exception cref="InvalidOperationException">The tensor has been disposed.</exception>
        public IntPtr Handle
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get => handle != 0 ? handle : throw new InvalidOperationException("Tensor invalid -- empty handle.");
        }

        /// <summary>Wraps a native reference that the caller owned.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal static Tensor Own(nint handle) => new(handle);

        public static Tensor UnsafeCreateTensor(IntPtr handle) => new(handle);

        /// <summary>Gives the native reference up: the caller releases it.</summary>
        public IntPtr DecoupleFromNativeHandle()
        {
            var taken = Handle;
            OwningDisposeScope?.MarkAsDisposed(this);
            OwningDisposeScope = null;
            handle = 0;
            Interlocked.Decrement(ref totalCount);
            GC.SuppressFinalize(this);
            return taken;
        }

        public void Dispose()
        {
            if (OwningDisposeScope is { } scope)
            {
                OwningDisposeScope = null;
                scope.MarkAsDisposed(this);
            }
            Release();
            GC.SuppressFinalize(this);
        }

        /// <summary>Moves the tensor to the surrounding scope, or out of all scopes if there is none.</summary>
        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        /// <summary>Takes the tensor out of all scopes: the caller disposes it.</summary>
        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        /// <summary>A second object over the same native tensor, disposed independently.</summary>
        public unsafe Tensor alias()
        {
            var shared = Native.Share(Handle);
            GC.KeepAlive(this);
            return new Tensor(shared);
        }

        public override bool Equals(object? obj) => obj is Tensor t && Equals(t);

        public bool Equals(Tensor target) => ReferenceEquals(this, target) || equal(target);

        public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);

        private unsafe void Release()
        {
            var taken = Interlocked.Exchange(ref handle, 0);
            if (taken == 0)
                return;
            Interlocked.Decrement(ref totalCount);
            Native.Free(taken);
        }
    }
}
