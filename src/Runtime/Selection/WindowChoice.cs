using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// How the choices at the next T sites will be made, told before the first of them. The first R rows take given choices. The other rows are
/// drawn where there are uniform numbers, and take the most probable module of every position where there are none. Under a gate, all rows
/// take the modules of highest H instead.
/// </summary>
/// <param name="Given">The given choices, [R, T, K] int64; null for R = 0.</param>
/// <param name="Uniforms">
/// Uniform numbers in [0, 1) for all B rows, [T, B, K] float32 on the CPU: those that <see cref="ChoiceDistribution.Sample"/> would draw
/// site by site. Null where nothing is drawn.
/// </param>
/// <param name="Gate">The gate, or null. With a gate there are neither given choices nor uniform numbers.</param>
public sealed record WindowChoice(Tensor? Given = null, Tensor? Uniforms = null, TopKGate? Gate = null)
{
    /// <summary>Draws all rows.</summary>
    internal static WindowChoice Drawn(Site first, int steps, long rows, Generator generator) =>
        new(Uniforms: rand(steps, rows, first.Choose, dtype: ScalarType.Float32, generator: generator));

    /// <summary>Gives all rows the same K modules, [K] int64, at all sites.</summary>
    internal static WindowChoice Same(Tensor modules, int steps, long rows) =>
        new(modules.view(1, 1, -1).expand(rows, steps, -1));

    /// <summary>The choices of T sites from <paramref name="first"/> on, [R, T, K], out of compositions [R, C].</summary>
    internal static Tensor Columns(Tensor compositions, Site first, int steps) =>
        compositions.narrow(1, first.Offset, (long)steps * first.Choose).view(-1, steps, first.Choose);
}

/// <summary>
/// Noisy top-k's gate at sites of K = 1 (Shazeer et al. 2017, Eqs. 3–5): the k modules of highest H(x) run, and a softmax over those k
/// weights their outputs.
/// </summary>
/// <param name="K">k, the number of modules that run for a row, from 1 to M.</param>
/// <param name="Noise">The generator of H's noise, for controllers that have weights for it; null leaves the noise out.</param>
public sealed record TopKGate(int K, Generator? Noise = null)
{
    /// <summary>
    /// The standard normal numbers of the next T sites, [T, B, M] float32 on the CPU: those that <see cref="NoisyTopKSelector.Select"/>
    /// would draw site by site.
    /// </summary>
    internal Tensor Draw(long steps, long rows, long modules)
    {
        Tensor normals = empty(steps, rows, modules, dtype: ScalarType.Float32);
        // Site by site, because libtorch draws the last few numbers of a tensor in another way than the others.
        foreach (Tensor site in normals.unbind(0))
        {
            site.normal_(0, 1, Noise);
        }

        return normals;
    }
}
