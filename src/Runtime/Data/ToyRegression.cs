using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Datapoints that were drawn: inputs and targets [N, D], and the true component of each datapoint [N].</summary>
public sealed record ToyPoints(Dataset Data, int[] Components);

/// <summary>
/// The toy regression (paper, section 3.1 and appendix B): x comes from one of two Gaussians with equal probability, and y = R·x for the
/// first and S·x for the second, with a random rotation R and a diagonal matrix S of random factors (Eqs. 17, 18).
/// </summary>
public sealed class ToyRegression : IDisposable
{
    // Scaling factors are drawn from this range, away from zero, where a component would lose a dimension.
    private const double SmallestFactor = 0.5;
    private const double LargestFactor = 2;

    private readonly int _dimensions;
    private readonly double _spread;
    private readonly Tensor _means;
    private readonly Generator _generator;

    /// <summary>
    /// Draws the problem. The means lie <paramref name="separation"/> apart in a random direction around the origin, and each component is
    /// isotropic with standard deviation <paramref name="spread"/>.
    /// </summary>
    public ToyRegression(int dimensions, double separation, double spread, Generator generator)
    {
        using var scope = NewDisposeScope();
        (_dimensions, _spread, _generator) = (dimensions, spread, generator);
        Tensor direction = Normal(dimensions);
        direction = direction / direction.norm();
        _means = (stack([direction, -direction], 0) * (separation / 2)).DetachFromDisposeScope();
        Rotation = RandomRotation().DetachFromDisposeScope();
        Tensor factors = empty([dimensions], ScalarType.Float64, CPU).uniform_(SmallestFactor, LargestFactor, generator);
        Scaling = factors.diag().DetachFromDisposeScope();
    }

    /// <summary>D, the number of dimensions.</summary>
    public int Dimensions => _dimensions;

    /// <summary>The rotation R, [D, D].</summary>
    public Tensor Rotation { get; }

    /// <summary>The scaling S, [D, D].</summary>
    public Tensor Scaling { get; }

    /// <summary>Draws N = <paramref name="count"/> new datapoints.</summary>
    public ToyPoints Draw(long count)
    {
        using var scope = NewDisposeScope();
        Tensor component = randint(2, new long[] { count }, ScalarType.Int64, generator: _generator);
        Tensor x = _means.index_select(0, component) + (Normal(count, _dimensions) * _spread);
        Tensor first = component.eq(0).unsqueeze(1);
        Tensor y = where(first, x.matmul(Rotation.t()), x.matmul(Scaling.t()));
        int[] components = Array.ConvertAll(TensorArrays.Vector<long>(component), c => (int)c);
        return new(new Dataset(x.to_type(ScalarType.Float32), y.to_type(ScalarType.Float32)), components);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _means.Dispose();
        Rotation.Dispose();
        Scaling.Dispose();
    }

    // A rotation by a uniform angle in every coordinate plane; in two dimensions it is the uniform rotation.
    private Tensor RandomRotation()
    {
        Tensor matrix = eye(_dimensions, dtype: ScalarType.Float64);
        for (int i = 0; i < _dimensions; i++)
        {
            for (int j = i + 1; j < _dimensions; j++)
            {
                double angle = empty([1], ScalarType.Float64, CPU).uniform_(0, 2 * Math.PI, _generator).ToDouble();
                (double sin, double cos) = Math.SinCos(angle);
                var plane = new double[_dimensions, _dimensions];
                for (int d = 0; d < _dimensions; d++)
                {
                    plane[d, d] = d == i || d == j ? cos : 1;
                }

                (plane[i, j], plane[j, i]) = (-sin, sin);
                matrix = tensor(plane).matmul(matrix);
            }
        }

        return matrix;
    }

    private Tensor Normal(params long[] shape) => empty(shape, ScalarType.Float64, CPU).normal_(0, 1, _generator);
}
