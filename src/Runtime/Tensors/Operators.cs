using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The operators of libtorch that take several tensors and do not always compare the tensors' devices themselves. Here each of them does, so that a step that mixes
/// devices fails on libtorch's device <c>meta</c> as it would on an accelerator. A test sees to it that training calls them here alone. Those that have no kernel on
/// <c>meta</c> run a stand-in there (<see cref="MetaStandIns"/>).
/// </summary>
internal static class Operators
{
    /// <summary>libtorch's <c>cat</c>.</summary>
    internal static Tensor Join(Tensor[] parts, long dimension)
    {
        Together("cat", parts);
        return cat(parts, dimension);
    }

    /// <summary>libtorch's <c>stack</c>.</summary>
    internal static Tensor Stack(Tensor[] parts, long dimension)
    {
        Together("stack", parts);
        return stack(parts, dimension);
    }

    /// <summary>libtorch's <c>index_select</c>: the slices of <paramref name="x"/> at <paramref name="index"/> [n] int64.</summary>
    internal static Tensor IndexSelect(this Tensor x, long dimension, Tensor index) => Together("index_select", x, index) == DeviceType.META
        ? MetaStandIns.IndexSelect(x, dimension, index)
        : x.index_select(dimension, index);

    /// <summary>libtorch's <c>gather</c>.</summary>
    internal static Tensor Gather(this Tensor x, long dimension, Tensor index)
    {
        Together("gather", x, index);
        return x.gather(dimension, index);
    }

    /// <summary>libtorch's <c>scatter</c>.</summary>
    internal static Tensor Scatter(this Tensor x, long dimension, Tensor index, Tensor values)
    {
        Together("scatter", x, index, values);
        return x.scatter(dimension, index, values);
    }

    /// <summary>libtorch's <c>index_add_</c>.</summary>
    internal static Tensor AddAt(this Tensor x, long dimension, Tensor index, Tensor values)
    {
        Together("index_add_", x, index, values);
        return x.index_add_(dimension, index, values, 1);
    }

    /// <summary>libtorch's <c>index_copy_</c>.</summary>
    internal static Tensor CopyAt(this Tensor x, long dimension, Tensor index, Tensor values)
    {
        Together("index_copy_", x, index, values);
        return x.index_copy_(dimension, index, values);
    }

    /// <summary>libtorch's <c>index_fill_</c>.</summary>
    internal static Tensor FillAt(this Tensor x, long dimension, Tensor index, double value)
    {
        Together("index_fill_", x, index);
        return x.index_fill_(dimension, index, value);
    }

    /// <summary>libtorch's <c>masked_fill</c>.</summary>
    internal static Tensor MaskedFill(this Tensor x, Tensor mask, double value)
    {
        Together("masked_fill", x, mask);
        return x.masked_fill(mask, value);
    }

    /// <summary>libtorch's <c>where</c>.</summary>
    internal static Tensor Where(Tensor mask, Tensor yes, Tensor no) => Together("where", mask, yes, no) == DeviceType.META
        ? MetaStandIns.Where(mask, yes, no)
        : where(mask, yes, no);

    /// <summary>libtorch's <c>searchsorted</c> from the right: how many of the ascending numbers [.., M] are not above each of <paramref name="values"/> [.., n].</summary>
    internal static Tensor SearchSorted(this Tensor ascending, Tensor values) => Together("searchsorted", ascending, values) == DeviceType.META
        ? MetaStandIns.SearchSorted(ascending, values)
        : searchsorted(ascending, values, right: true);

    /// <summary>Moves x towards <paramref name="to"/> by a share of the way, in place: libtorch's <c>lerp_</c>.</summary>
    internal static void MoveTowards(this Tensor x, Tensor to, double share)
    {
        Together("lerp_", x, to);
        if (Accelerator.Holds(x))
        {
            // TorchSharp's lerp_ takes the share as a tensor, which it makes on the CPU.
            x.add_((to - x) * share);
            return;
        }

        x.lerp_(to, share);
    }

    /// <summary>
    /// How often each of the numbers from 0 to <paramref name="limit"/> − 1 occurs among <paramref name="numbers"/> [n] int64, [limit] int64; with
    /// <paramref name="weights"/> [n] the sum of their weights.
    /// </summary>
    /// <remarks>libtorch's <c>bincount</c> waits for the largest number on an accelerator, so they are added up there otherwise.</remarks>
    internal static Tensor Occurrences(this Tensor numbers, Tensor? weights, long limit)
    {
        Together("bincount", numbers, weights ?? numbers);
        if (!Accelerator.Holds(numbers))
        {
            return numbers.bincount(weights, limit);
        }

        Tensor each = weights ?? ones_like(numbers);
        return zeros([limit], each.dtype, each.device).AddAt(0, numbers, each);
    }

    /// <summary>libtorch's <c>linear</c>.</summary>
    internal static Tensor Linear(Tensor x, Tensor weight, Tensor? bias)
    {
        Together("linear", x, weight, bias ?? weight);
        return nn.functional.linear(x, weight, bias);
    }

    /// <summary>libtorch's <c>bmm</c>.</summary>
    internal static Tensor BatchedProduct(this Tensor left, Tensor right)
    {
        Together("bmm", left, right);
        return left.bmm(right);
    }

    /// <summary>libtorch's <c>mm</c>.</summary>
    internal static Tensor Product(this Tensor left, Tensor right)
    {
        Together("mm", left, right);
        return left.mm(right);
    }

    /// <summary>libtorch's <c>conv2d</c>.</summary>
    internal static Tensor Convolution(Tensor x, Tensor weight, Tensor? bias, long stride, long padding, long groups) =>
        Together("conv2d", x, weight, bias ?? weight) == DeviceType.META
            ? MetaStandIns.Convolution(x, weight, bias, stride, padding, groups)
            : nn.functional.conv2d(x, weight, bias, [stride, stride], [padding, padding], groups: groups);

    /// <summary>libtorch's <c>conv_transpose2d</c>.</summary>
    internal static Tensor TransposedConvolution(Tensor x, Tensor weight, Tensor? bias, long stride, long padding) =>
        Together("conv_transpose2d", x, weight, bias ?? weight) == DeviceType.META
            ? MetaStandIns.TransposedConvolution(x, weight, bias, stride, padding)
            : nn.functional.conv_transpose2d(x, weight, bias, [stride, stride], [padding, padding]);

    /// <summary>libtorch's <c>conv1d</c>.</summary>
    internal static Tensor SequenceConvolution(Tensor x, Tensor weight, Tensor? bias, long dilation) =>
        Together("conv1d", x, weight, bias ?? weight) == DeviceType.META
            ? MetaStandIns.SequenceConvolution(x, weight, bias, dilation)
            : nn.functional.conv1d(x, weight, bias, dilation: dilation);

    /// <summary>libtorch's <c>layer_norm</c> over the last dimensions, of this shape.</summary>
    internal static Tensor LayerNorm(Tensor x, long[] shape, Tensor? weight = null, Tensor? bias = null) =>
        Together("layer_norm", x, weight ?? x, bias ?? x) == DeviceType.META
            ? MetaStandIns.LayerNorm(x, shape, weight, bias)
            : nn.functional.layer_norm(x, shape, weight, bias);

    /// <summary>libtorch's <c>batch_norm</c>.</summary>
    internal static Tensor BatchNorm(
        Tensor rows, Tensor runningMean, Tensor runningVariance, Tensor weight, Tensor bias, bool training, double momentum, double eps) =>
        Together("batch_norm", [rows, runningMean, runningVariance, weight, bias]) == DeviceType.META
            ? MetaStandIns.BatchNorm(rows, runningMean, runningVariance, weight, bias, training, momentum, eps)
            : nn.functional.batch_norm(rows, runningMean, runningVariance, weight, bias, training, momentum: momentum, eps: eps);

    /// <summary>libtorch's <c>cross_entropy</c> of each row.</summary>
    internal static Tensor CrossEntropy(Tensor logits, Tensor classes)
    {
        Together("cross_entropy", logits, classes);
        return nn.functional.cross_entropy(logits, classes, reduction: nn.Reduction.None);
    }

    /// <summary>max(0, x).</summary>
    internal static Tensor Relu(Tensor x) => x.device_type == DeviceType.META ? MetaStandIns.Relu(x) : nn.functional.relu(x);

    /// <summary>x·min(max(x + 3, 0), 6) / 6.</summary>
    internal static Tensor Hardswish(Tensor x) => x.device_type == DeviceType.META ? MetaStandIns.Hardswish(x) : nn.functional.hardswish(x);

    /// <summary>|x|.</summary>
    internal static Tensor Magnitude(this Tensor x) => x.device_type == DeviceType.META ? MetaStandIns.Magnitude(x) : x.abs();

    /// <summary>log Σ e^x over a dimension.</summary>
    internal static Tensor LogSumExp(this Tensor x, long dimension) =>
        x.device_type == DeviceType.META ? MetaStandIns.LogSumExp(x, dimension) : x.logsumexp(dimension);

    /// <summary>InvalidOperationException unless all tensors are on one device; which kind of device that is.</summary>
    private static DeviceType Together(string name, Tensor[] tensors)
    {
        DeviceType device = tensors[0].device_type;
        for (int i = 1; i < tensors.Length; i++)
        {
            Demand(name, device, tensors[i]);
        }

        return device;
    }

    private static DeviceType Together(string name, Tensor first, Tensor second)
    {
        DeviceType device = first.device_type;
        Demand(name, device, second);
        return device;
    }

    private static DeviceType Together(string name, Tensor first, Tensor second, Tensor third)
    {
        DeviceType device = Together(name, first, second);
        if (!ReferenceEquals(second, third))
        {
            Demand(name, device, third);
        }

        return device;
    }

    private static void Demand(string name, DeviceType device, Tensor other)
    {
        if (other.device_type != device)
        {
            throw new InvalidOperationException(
                $"{name}: expected tensors of one device, got one on {device} and one on {other.device_type} – move them to the device of the network");
        }
    }
}
