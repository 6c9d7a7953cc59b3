using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>How a module is taught to give what another one gives.</summary>
/// <param name="Steps">The number of gradient steps by Adam.</param>
/// <param name="Batch">The number of rows in each.</param>
/// <param name="Rate">The learning rate.</param>
/// <param name="Rows">The most rows to learn from.</param>
/// <param name="Routed">Whether to learn from the rows that are routed to the module, or from all rows that the pool reads.</param>
/// <param name="Seed">Draws the new module's first parameters and its minibatches.</param>
public sealed record Distillation(
    int Steps = 1_000, long Batch = 128, double Rate = 1e-2, long Rows = 20_000, bool Routed = true, long Seed = 1)
{
    /// <summary>
    /// Teaches module <paramref name="module"/> of <paramref name="student"/>, a pool of the same form, what the same module of
    /// <paramref name="teacher"/> gives for rows x [n, …in]: min over g of the mean of ‖g(x) − f(x)‖². All other modules of the student stay as they are.
    /// </summary>
    public void Teach(ModulePool teacher, ModulePool student, int module, Tensor x, CancellationToken stop = default)
    {
        using var scope = NewDisposeScope();
        using var draws = new Generator((ulong)Seed, CPU);
        Parameter[] parameters = [.. student.Stacked, .. student.Own(module)];
        using var optimizer = optim.Adam(parameters, Rate);
        Tensor target;
        using (no_grad())
        {
            target = teacher.Apply(module, x);
        }

        for (int step = 0; step < Steps && x.shape[0] > 0; step++)
        {
            stop.ThrowIfCancellationRequested();
            using var inner = NewDisposeScope();
            Tensor rows = randint(x.shape[0], [Math.Min(Batch, x.shape[0])], ScalarType.Int64, generator: draws);
            Tensor loss = (student.Apply(module, x.index_select(0, rows)) - target.index_select(0, rows)).pow(2).mean();
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
        }
    }

    /// <summary>
    /// R² of a module of <paramref name="student"/> as a stand-in for that of <paramref name="teacher"/> on rows x: 1 − Σ‖g(x) − f(x)‖² / Σ‖f(x) − mean f‖². NaN without rows.
    /// </summary>
    public static double Fit(ModulePool teacher, ModulePool student, int module, Tensor x)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        if (x.shape[0] == 0)
        {
            return double.NaN;
        }

        return RSquared(student.Apply(module, x), teacher.Apply(module, x));
    }

    /// <summary>R² of given values [n, …] as stand-ins for others of the same shape: 1 − Σ‖given − target‖² / Σ‖target − mean target‖², in double precision.</summary>
    public static double RSquared(Tensor given, Tensor target)
    {
        using var scope = NewDisposeScope();
        Tensor wanted = target.flatten(1).to_type(ScalarType.Float64);
        Tensor said = given.flatten(1).to_type(ScalarType.Float64);
        return 1 - (said - wanted).pow(2).sum().ToDouble() / (wanted - wanted.mean([0])).pow(2).sum().ToDouble();
    }
}
