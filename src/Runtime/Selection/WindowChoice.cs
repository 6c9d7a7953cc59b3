using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// How the choices of a window of T sites in a row will be made, said ahead of them all: the first R rows take what is given,
/// the others are drawn where there are uniforms, and take the most probable module per position where there are none. Under a
/// gate none of that, but the modules of highest H.
/// </summary>
/// <param name="Given">[R, T, K] int64, or null for R = 0.</param>
/// <param name="Uniforms">
/// [T, B, K] float32 on the CPU, uniform in [0, 1), for all B rows: what <see cref="ChoiceDistribution.Sample"/> would draw
/// site by site. Null where nothing is drawn.
/// </param>
/// <param name="Gate">The gate, or null; with it nothing is given and there are no uniforms.</param>
public sealed record WindowChoice(Tensor? Given = null, Tensor? Uniforms = null, TopKGate? Gate = null)
{
    /// <summary>All rows drawn.</summary>
    internal static WindowChoice Drawn(Site first, int steps, long rows, Generator generator) =>
        new(Uniforms: rand(steps, rows, first.Choose, dtype: ScalarType.Float32, generator: generator));

    /// <summary>The same K modules, [K] int64, for all rows at all sites.</summary>
    internal static WindowChoice Same(Tensor modules, int steps, long rows) =>
        new(modules.view(1, 1, -1).expand(rows, steps, -1));

    /// <summary>The columns of compositions [R, C] that T sites from <paramref name="first"/> on take.</summary>
    internal static Tensor Columns(Tensor compositions, Site first, int steps) =>
        compositions.narrow(1, first.Offset, (long)steps * first.Choose).view(-1, steps, first.Choose);
}
