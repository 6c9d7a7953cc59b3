using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text;
using ModNet.Torch;
using AutogradContext = TorchSharp.torch.autograd.AutogradContext;
using Tensor = TorchSharp.torch.Tensor;

namespace TorchSharp;

/// <summary>
/// One application of a custom function. The native graph node holds it (by a GC handle) until the graph is freed; libtorch calls back
/// for forward at once, for backward later and possibly on another thread.
/// </summary>
internal sealed unsafe class FunctionCall
{
    private readonly AutogradContext context = new();
    private readonly string name;
    private readonly Func<AutogradContext, object[], List<Tensor>> forward;
    private readonly Func<AutogradContext, List<Tensor>, List<Tensor>> backward;
    private readonly bool[] isTensor;

    // Gone once forward has run: the node must not keep the inputs alive.
    private object[]? arguments;
    private ExceptionDispatchInfo? failure;

    internal FunctionCall(
        object[] arguments, string name,
        Func<AutogradContext, object[], List<Tensor>> forward, Func<AutogradContext, List<Tensor>, List<Tensor>> backward)
    {
        this.arguments = arguments;
        this.name = name;
        this.forward = forward;
        this.backward = backward;
        isTensor = [.. arguments.Select(a => a is Tensor { IsInvalid: false })];
    }

    internal List<Tensor> Run()
    {
        Libtorch.EnsureLoaded();
        var inputs = arguments!.OfType<Tensor>().Where(t => !t.IsInvalid).ToArray();
        var callbacks = new NativeCallbacks { Forward = &Forward, Backward = &Backward, Release = &Release };
        NativeValue outputs;
        int code;
        fixed (nint* handles = torch.autograd.Handles(inputs))
            code = Native.Function(handles, inputs.Length, callbacks, GCHandle.ToIntPtr(GCHandle.Alloc(this)), &outputs);
        GC.KeepAlive(inputs);
        // forward ran on this thread: its own exception says more than the text that crossed native code.
        failure?.Throw();
        Native.Check(code);
        return [.. Op.TakeList(outputs)];
    }

    [UnmanagedCallersOnly]
    private static nint Forward(nint state, nint context, NativeValue* outputs)
    {
        var call = From(state);
        try
        {
            var arguments = call.arguments!;
            call.arguments = null;
            Give(call.context.Within(context, () => call.forward(call.context, arguments)), outputs);
            return 0;
        }
        catch (Exception e)
        {
            call.failure = ExceptionDispatchInfo.Capture(e);
            return Text(e.Message);
        }
    }

    [UnmanagedCallersOnly]
    private static nint Backward(nint state, nint context, nint* gradients, long count, NativeValue* outputs)
    {
        var call = From(state);
        var received = new List<Tensor>((int)count);
        for (var i = 0; i < count; i++)
            received.Add(gradients[i] == 0 ? null! : Tensor.Own(gradients[i]).DetachFromDisposeScope());
        try
        {
            using var scope = torch.NewDisposeScope();
            Give(call.context.Within(context, () => call.Gradients(received)), outputs);
            return 0;
        }
        catch (Exception e)
        {
            return Text($"{call.name}.backward: {e.Message}");
        }
        finally
        {
            foreach (var gradient in received)
                gradient?.Dispose();
        }
    }

    [UnmanagedCallersOnly]
    private static void Release(nint state) => GCHandle.FromIntPtr(state).Free();

    private static FunctionCall From(nint state) => (FunctionCall)GCHandle.FromIntPtr(state).Target!;

    // One gradient per tensor argument, in order.
    private List<Tensor> Gradients(List<Tensor> received)
    {
        var gradients = backward(context, received);
        if (gradients.Count < isTensor.Length || gradients.Skip(isTensor.Length).Any(g => g is { IsInvalid: false }))
            throw new InvalidOperationException($"expected {isTensor.Length} gradients, one per argument of apply, got {gradients.Count}");
        var kept = new List<Tensor>();
        for (var i = 0; i < isTensor.Length; i++)
            if (isTensor[i])
                kept.Add(gradients[i]);
            else if (gradients[i] is { IsInvalid: false })
                throw new InvalidOperationException($"argument {i} is no tensor but got a gradient");
        return kept;
    }

    // Native code takes over the list and the references in it.
    private static void Give(List<Tensor> tensors, NativeValue* list)
    {
        var handles = (nint*)Native.Alloc(tensors.Count * sizeof(nint));
        for (var i = 0; i < tensors.Count; i++)
            handles[i] = tensors[i] is { IsInvalid: false } t ? Native.Share(t.Handle) : 0;
        GC.KeepAlive(tensors);
        *list = new NativeValue { Tag = Tag.TensorList, Count = tensors.Count, Bits = (long)handles };
    }

    private static nint Text(string message)
    {
        var bytes = Encoding.UTF8.GetBytes(message);
        var text = (byte*)Native.Alloc(bytes.Length + 1);
        bytes.CopyTo(new Span<byte>(text, bytes.Length));
        text[bytes.Length] = 0;
        return (nint)text;
    }
}
