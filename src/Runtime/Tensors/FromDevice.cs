using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Reads values back from the device in training, E-steps and evaluation, each time for a named reason (<see cref="Wait"/>). On libtorch's device <c>meta</c>, whose
/// tensors have shapes and no values, such a read gives zeros and any other read throws: a test that runs there proves that nothing else waits.
/// </summary>
internal static class FromDevice
{
    [ThreadStatic]
    private static Action<Wait>? heard;

    /// <summary>All values, in the order of the tensor's elements.</summary>
    internal static T[] Vector<T>(Tensor values, Wait wait)
        where T : unmanaged
    {
        Hear(values, wait);
        return values.device_type == DeviceType.META ? new T[values.numel()] : TensorArrays.Vector<T>(values);
    }

    /// <summary>The one value.</summary>
    internal static double Number(Tensor value, Wait wait)
    {
        Hear(value, wait);
        return value.device_type == DeviceType.META ? 0 : value.ToDouble();
    }

    /// <summary>Several values of one device by one read, as doubles, each tensor's after those of the tensor before.</summary>
    internal static double[][] Vectors(IReadOnlyList<Tensor> values, Wait wait)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        double[] all = Vector<double>(Operators.Join([.. values.Select(v => v.detach().reshape(-1).to_type(ScalarType.Float64))], 0), wait);
        var parts = new double[values.Count][];
        int start = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = all[start..(start += (int)values[i].numel())];
        }

        return parts;
    }

    /// <summary>Runs <paramref name="body"/> and says for which reasons this thread waited for an accelerator meanwhile, in order.</summary>
    internal static List<Wait> Waits(Action body)
    {
        var waits = new List<Wait>();
        Action<Wait>? before = heard;
        heard = waits.Add;
        try
        {
            body();
            return waits;
        }
        finally
        {
            heard = before;
        }
    }

    private static void Hear(Tensor values, Wait wait)
    {
        if (heard is not null && Accelerator.Holds(values))
        {
            heard(wait);
        }
    }
}
