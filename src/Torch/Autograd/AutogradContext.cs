using ModNet.Torch;

namespace TorchSharp;

public static partial class torch
{
    public static partial class autograd
    {
        /// <summary>What <c>forward</c> leaves for <c>backward</c>.</summary>
        public class AutogradContext
        {
            private readonly Dictionary<string, object> data = [];

            // The native context; only while forward or backward runs.
            private nint native;

            internal AutogradContext()
            {
            }

            /// <summary>Whether missing gradients of outputs come as zeros (the default) or as null.</summary>
            public bool MaterializeGrads { get; private set; } = true;

            /// <summary>Keeps tensors for backward; libtorch checks that they are not changed in place meanwhile. Once per forward.</summary>
            public unsafe void save_for_backward(List<Tensor> tensors)
            {
                fixed (nint* handles = Handles(tensors))
                    Native.Check(Native.ContextSave(Current, handles, tensors.Count));
                GC.KeepAlive(tensors);
            }

            /// <summary>The tensors kept in forward, in their order.</summary>
            public unsafe List<Tensor> get_saved_variables()
            {
                NativeValue saved;
                Native.Check(Native.ContextSaved(Current, &saved));
                return [.. Op.TakeList(saved)];
            }

            /// <summary>Keeps anything but tensors.</summary>
            public void save_data(string key, object value) => data[key] = value;

            public object? get_data(string key) => data.GetValueOrDefault(key);

            /// <summary>Says which inputs forward changed in place.</summary>
            public void mark_dirty(List<Tensor> tensors) => Mark(tensors, dirty: true);

            /// <summary>Says which outputs have no gradient.</summary>
            public void mark_non_differentiable(List<Tensor> tensors) => Mark(tensors, dirty: false);

            public unsafe void set_materialize_grads(bool value)
            {
                MaterializeGrads = value;
                Native.ContextMaterialize(Current, value ? 1 : 0);
            }

            private nint Current => native != 0 ? native : throw new InvalidOperationException("An AutogradContext is used outside forward and backward.");

            internal TResult Within<TResult>(nint context, Func<TResult> body)
            {
                native = context;
                try
                {
                    return body();
                }
                finally
                {
                    native = 0;
                }
            }

            private unsafe void Mark(List<Tensor> tensors, bool dirty)
            {
                fixed (nint* handles = Handles(tensors))
                    Native.Check(Native.ContextMark(Current, handles, tensors.Count, dirty ? 1 : 0));
                GC.KeepAlive(tensors);
            }
        }
    }
}
