using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// A small set of units that suffices for what a network does, by subsets regression (Velez, Clune 2016): the performance with random subsets of the units is regressed
/// on which units are there; units join in the order of their effects until their performance suffices, and leave again where it suffices without them.
/// </summary>
/// <param name="Members">The units, ascending. The performance with these alone suffices, and with one less it does not.</param>
/// <param name="Effects">Of each unit the regression's coefficient: by how much its presence raises the performance.</param>
/// <param name="Fit">R² of the regression.</param>
/// <param name="Performance">The performance with the members alone.</param>
public sealed record CoreSubset(IReadOnlyList<int> Members, IReadOnlyList<double> Effects, double Fit, double Performance)
{
    // So that a unit that happens to be in all subsets has an effect, too.
    private const double Ridge = 1e-6;

    /// <summary>
    /// Searches it among so many units. <paramref name="performance"/> gives that of the units for which it is told true. Each of <paramref name="subsets"/> random
    /// subsets has each unit with a chance of one half. Where all units together do not suffice, all are members.
    /// </summary>
    /// <example><code>CoreSubset core = CoreSubset.Find(3, there => there[1] ? 1 : 0, sufficient: 1, subsets: 20, seed: 1);  // Members [1]</code></example>
    public static CoreSubset Find(int units, Func<bool[], double> performance, double sufficient, int subsets, int seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(units, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(subsets, 2);
        (double[] effects, double fit) = Regressed(units, performance, subsets, seed);
        int[] order = [.. Enumerable.Range(0, units).OrderByDescending(unit => effects[unit])];
        var there = new bool[units];
        double reached = performance(there);
        foreach (int unit in order)
        {
            if (reached >= sufficient)
            {
                break;
            }

            there[unit] = true;
            reached = performance(there);
        }

        // What one unit makes needless may have been kept before it: go over them until none can leave.
        for (bool any = reached >= sufficient; any;)
        {
            any = false;
            foreach (int unit in order.Reverse().Where(unit => there[unit]))
            {
                there[unit] = false;
                double without = performance(there);
                if (without >= sufficient)
                {
                    (reached, any) = (without, true);
                }
                else
                {
                    there[unit] = true;
                }
            }
        }

        return new([.. Enumerable.Range(0, units).Where(unit => there[unit])], effects, fit, reached);
    }

    private static (double[] Effects, double Fit) Regressed(int units, Func<bool[], double> performance, int subsets, int seed)
    {
        var random = new Random(seed);
        var rows = new double[subsets, units + 1];
        var reached = new double[subsets];
        for (int row = 0; row < subsets; row++)
        {
            bool[] there = [.. Enumerable.Range(0, units).Select(_ => random.Next(2) == 1)];
            reached[row] = performance(there);
            rows[row, units] = 1;
            for (int unit = 0; unit < units; unit++)
            {
                rows[row, unit] = there[unit] ? 1 : 0;
            }
        }

        using var scope = NewDisposeScope();
        Tensor x = tensor(rows), y = tensor(reached);
        Tensor effects = linalg.solve(x.t().mm(x) + Ridge * eye(units + 1, dtype: ScalarType.Float64), x.t().mv(y));
        double spread = (y - y.mean()).square().sum().ToDouble();
        double left = (y - x.mv(effects)).square().sum().ToDouble();
        return (TensorArrays.Vector<double>(effects)[..units], spread == 0 ? double.NaN : 1 - (left / spread));
    }
}
