using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Noisy top-k's gate over a window's sites of K = 1 (Shazeer et al. 2017, Eqs. 3–5): the k modules of highest H(x) run, weighted by a
/// softmax over those k.
/// </summary>
/// <param name="K">k, from 1 to M.</param>
/// <param name="Noise">What H's noise is drawn from, where the controller has weights for it; null leaves it out.</param>
public sealed record TopKGate(int K, Generator? Noise = null)
{
    /// <summary>
    /// The standard normals of T sites in a row, [T, B, M] float32 on the CPU: what <see cref="NoisyTopKSelector.Select"/> would
    /// draw site by site.
    /// </summary>
    internal Tensor Draw(long steps, long rows, long modules)
    {
        Tensor normals = empty(steps, rows, modules, dtype: ScalarType.Float32);
        // One site after the other, because libtorch fills up a tensor's last few in a way of its own.
        foreach (Tensor site in normals.unbind(0))
        {
            site.normal_(0, 1, Noise);
        }

        return normals;
    }
}
