using ModNet.Torch;

namespace TorchSharp;

file static class Aten
{
    internal static readonly Op detach = new("detach");
    internal static readonly Op detach_ = new("detach_");
    internal static readonly Op retain_grad = new("retain_grad");
}

public static partial class torch
{
    // Gradients of a tensor.
    public partial class Tensor
    {
        public unsafe bool requires_grad
        {
            get
            {
                var needed = Native.RequiresGrad(Handle) != 0;
                GC.KeepAlive(this);
                return needed;
            }
            set
            {
                Native.Check(Native.SetRequiresGrad(Handle, value ? 1 : 0));
                GC.KeepAlive(this);
            }
        }

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        /// <summary>The accumulated gradient, or null. Each read gives a new object over the same native tensor.</summary>
        public unsafe Tensor? grad
        {
            get
            {
                nint gradient;
                Native.Check(Native.Grad(Handle, &gradient));
                GC.KeepAlive(this);
                return gradient == 0 ? null : new Tensor(gradient);
            }
            set
            {
                Native.Check(Native.SetGrad(Handle, value?.Handle ?? 0));
                GC.KeepAlive(value);
                GC.KeepAlive(this);
            }
        }

        public unsafe bool is_leaf
        {
            get
            {
                var leaf = Native.IsLeaf(Handle) != 0;
                GC.KeepAlive(this);
                return leaf;
            }
        }

        /// <summary>Keeps the gradient of a tensor that is no leaf.</summary>
        public void retain_grad() => Aten.retain_grad.CallVoid(this);

        /// <summary>A view outside the recorded graph.</summary>
        public Tensor detach() => Aten.detach.Call(this);

        public Tensor detach_() => Aten.detach_.InPlace(this, this);

        /// <summary>Replaces storage, shape and type; the identity stays.</summary>
        public unsafe void set_data(Tensor other)
        {
            Native.Check(Native.SetData(Handle, other.Handle));
            GC.KeepAlive(other);
            GC.KeepAlive(this);
        }

        /// <summary>Adds to the leaves' gradients the derivative of this tensor (a scalar unless grad_tensors is given).</summary>
        public void backward(IList<Tensor>? grad_tensors = null, bool create_graph = false, bool retain_graph = false, IList<Tensor>? inputs = null) =>
            autograd.backward([this], grad_tensors, retain_graph || create_graph, create_graph, inputs);

        /// <summary>Adds to the leaves' gradients the derivative of this scalar.</summary>
        public void backward() => autograd.backward(this);
    }

    public static partial class autograd
    {
        /// <summary>The derivatives of the outputs' sum (weighed by grad_outputs) with respect to the inputs; nothing is accumulated.</summary>
        public static unsafe IList<Tensor> grad(
            IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor>? grad_outputs = null,
            bool retain_graph = false, bool create_graph = false, bool allow_unused = false)
        {
            NativeValue result;
            fixed (nint* o = Handles(outputs), i = Handles(inputs), g = grad_outputs is null ? null : Handles(grad_outputs))
                Native.Check(Native.AutogradGrad(
                    o, outputs.Count, i, inputs.Count, g,
                    retain_graph || create_graph ? 1 : 0, create_graph ? 1 : 0, allow_unused ? 1 : 0, &result));
            GC.KeepAlive(outputs);
            GC.KeepAlive(inputs);
            GC.KeepAlive(grad_outputs);
            return Op.TakeList(result);
        }

        /// <summary>Adds the derivatives of the tensors to the leaves' gradients, or to those of <paramref name="inputs"/> only.</summary>
        public static unsafe void backward(
            IList<Tensor> tensors, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null)
        {
            var leaves = inputs ?? [];
            fixed (nint* t = Handles(tensors), g = grad_tensors is null ? null : Handles(grad_tensors), i = Handles(leaves))
                Native.Check(Native.Backward(t, g, tensors.Count, (retain_graph ?? create_graph) ? 1 : 0, create_graph ? 1 : 0, i, leaves.Count));
            GC.KeepAlive(tensors);
            GC.KeepAlive(grad_tensors);
            GC.KeepAlive(inputs);
        }

        public static void backward(
            Tensor tensor, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null) =>
            backward([tensor], grad_tensors, retain_graph, create_graph, inputs);

        public static void backward(
            Tensor tensor, Tensor grad_tensor, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null) =>
            backward([tensor], [grad_tensor], retain_graph, create_graph, inputs);

        // Never empty: a pinned empty array is a null pointer.
        internal static nint[] Handles(IList<Tensor> tensors)
        {
            var handles = new nint[Math.Max(1, tensors.Count)];
            for (var i = 0; i < tensors.Count; i++)
                handles[i] = tensors[i] is { IsInvalid: false } t ? t.Handle : 0;
            return handles;
        }
    }
}
