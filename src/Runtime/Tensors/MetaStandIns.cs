using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Operators that libtorch 2.10 cannot run on its device <c>meta</c>, written in operators that it can. They are for that device alone. Their values and gradients are
/// those of the operators that they stand for, which a test compares on the CPU.
/// </summary>
internal static class MetaStandIns
{
    internal static Tensor Relu(Tensor x) => x * (x > 0).to_type(x.dtype);

    internal static Tensor Hardswish(Tensor x)
    {
        Tensor within = ((x > -3).to_type(x.dtype) * (x < 3).to_type(x.dtype)).detach(), above = (x >= 3).to_type(x.dtype);
        return x * (x + 3) * within / 6 + x * above;
    }

    internal static Tensor Magnitude(Tensor x) => x * x.detach().sign();

    internal static Tensor LogSumExp(Tensor x, long dimension)
    {
        Tensor highest = x.detach().amax([dimension], keepdim: true);
        return (x - highest).exp().sum(dimension).log() + highest.squeeze(dimension);
    }

    internal static Tensor IndexSelect(Tensor x, long dimension, Tensor index)
    {
        long[] shape = x.shape, beside = new long[shape.Length];
        Array.Fill(beside, 1);
        shape[dimension] = beside[dimension] = index.numel();
        return x.gather(dimension, index.view(beside).expand(shape));
    }

    internal static Tensor Where(Tensor mask, Tensor yes, Tensor no)
    {
        Tensor share = mask.to_type(yes.dtype);
        return yes * share + no * (1 - share);
    }

    internal static Tensor SearchSorted(Tensor ascending, Tensor values) =>
        (ascending.unsqueeze(-2) <= values.unsqueeze(-1)).to_type(ScalarType.Int64).sum(-1);

    /// <summary>Sums a product for every place of the kernel.</summary>
    internal static Tensor Convolution(Tensor x, Tensor weight, Tensor? bias, long stride, long padding, long groups) =>
        Windows(nn.functional.pad(x, [padding, padding, padding, padding]), weight, bias, stride, 1, groups);

    internal static Tensor SequenceConvolution(Tensor x, Tensor weight, Tensor? bias, long dilation) =>
        Windows(x.unsqueeze(2), weight.unsqueeze(2), bias, 1, dilation, 1).squeeze(2);

    /// <summary>A convolution with the kernel turned round, over an image with zeros between its values.</summary>
    internal static Tensor TransposedConvolution(Tensor x, Tensor weight, Tensor? bias, long stride, long padding)
    {
        long kernel = weight.shape[2], around = kernel - 1 - padding;
        Tensor apart = Apart(Apart(x, stride).transpose(2, 3), stride).transpose(2, 3);
        Tensor turned = Turned(Turned(weight.transpose(0, 1), 2), 3);
        return Windows(nn.functional.pad(apart, [around, around, around, around]), turned, bias, 1, 1, 1);
    }

    internal static Tensor LayerNorm(Tensor x, long[] shape, Tensor? weight, Tensor? bias)
    {
        Tensor normal = Normal(x, [.. Enumerable.Range(1, shape.Length).Select(d => -(long)d)], 1e-5).Values;
        Tensor scaled = weight is null ? normal : normal * weight;
        return bias is null ? scaled : scaled + bias;
    }

    internal static Tensor BatchNorm(
        Tensor rows, Tensor runningMean, Tensor runningVariance, Tensor weight, Tensor bias, bool training, double momentum, double eps)
    {
        long[] shape = new long[rows.dim()];
        Array.Fill(shape, 1);
        shape[1] = -1;
        Tensor normal;
        if (training)
        {
            (normal, Tensor mean, Tensor variance) = Normal(rows, [.. Enumerable.Range(0, shape.Length).Where(d => d != 1).Select(d => (long)d)], eps);
            double each = (double)rows.numel() / weight.numel();
            using var noGrad = no_grad();
            runningMean.mul_(1 - momentum).add_(mean.view(-1) * momentum);
            runningVariance.mul_(1 - momentum).add_(variance.view(-1) * (momentum * each / (each - 1)));
        }
        else
        {
            normal = (rows - runningMean.view(shape)) * (runningVariance.view(shape) + eps).rsqrt();
        }

        return normal * weight.view(shape) + bias.view(shape);
    }

    // Values with mean 0 and variance 1 over some dimensions, and the mean and variance that they had.
    private static (Tensor Values, Tensor Mean, Tensor Variance) Normal(Tensor x, long[] dimensions, double eps)
    {
        Tensor mean = x.mean(dimensions, keepdim: true);
        Tensor centred = x - mean;
        Tensor variance = centred.square().mean(dimensions, keepdim: true);
        return (centred * (variance + eps).rsqrt(), mean, variance);
    }

    // x [n, groups·in, H, W], weight [groups·out, in, kh, kw].
    private static Tensor Windows(Tensor x, Tensor weight, Tensor? bias, long stride, long dilation, long groups)
    {
        (long inputs, long kh, long kw) = (weight.shape[1], weight.shape[2], weight.shape[3]);
        long height = ((x.shape[2] - (dilation * (kh - 1)) - 1) / stride) + 1;
        long width = ((x.shape[3] - (dilation * (kw - 1)) - 1) / stride) + 1;
        Tensor filters = weight.reshape(groups, -1, inputs, kh, kw);
        Tensor? sum = null;
        for (long i = 0; i < kh; i++)
        {
            for (long j = 0; j < kw; j++)
            {
                Tensor window = x
                    .slice(2, i * dilation, (i * dilation) + ((height - 1) * stride) + 1, stride)
                    .slice(3, j * dilation, (j * dilation) + ((width - 1) * stride) + 1, stride)
                    .reshape(x.shape[0], groups, inputs, height * width);
                Tensor part = filters.select(4, j).select(3, i).unsqueeze(0).matmul(window);
                sum = sum is null ? part : sum + part;
            }
        }

        Tensor all = sum!.reshape(x.shape[0], -1, height, width);
        return bias is null ? all : all + bias.view(-1, 1, 1);
    }

    // Zeros between the values of the last dimension, stride − 1 at each place.
    private static Tensor Apart(Tensor x, long stride)
    {
        if (stride == 1)
        {
            return x;
        }

        Tensor gaps = zeros([.. x.shape, stride - 1], x.dtype, x.device);
        return cat([x.unsqueeze(-1), gaps], -1).flatten(-2, -1).narrow(-1, 0, ((x.shape[^1] - 1) * stride) + 1);
    }

    private static Tensor Turned(Tensor x, long dimension)
    {
        long length = x.shape[dimension];
        return cat([.. Enumerable.Range(0, (int)length).Select(i => x.narrow(dimension, length - 1 - i, 1))], dimension);
    }
}
