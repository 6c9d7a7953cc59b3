namespace ModNet.Reference;

/// <summary>
/// One step of the modular GRU (paper, appendix A) with linear modules (ReLU inside them too if asked for): gates [2H][H + E]
/// and [2H], z's rows first.
/// </summary>
public sealed record ModularGruStep(
    double[][] GateWeight,
    double[] GateBias,
    double[][][] Weight,
    double[][] Bias,
    double[][] ControllerWeight,
    double[] ControllerBias)
{
    /// <summary>h [H], x [E] and K choices → the next h [H].</summary>
    public double[] Next(double[] h, double[] x, int[] composition, bool relu)
    {
        int hidden = h.Length;
        double[] gates = Linear.Apply(GateWeight, GateBias, [.. h, .. x]);
        double[] reset = [.. h.Select((value, i) => Linear.Sigmoid(gates[hidden + i]) * value), .. x];
        var candidate = new double[hidden];
        foreach (int a in composition)
        {
            double[] f = Linear.Apply(Weight[a], Bias[a], reset);
            for (int i = 0; i < hidden; i++)
            {
                candidate[i] += relu ? Linear.Relu(f[i]) : f[i];
            }
        }

        var next = new double[hidden];
        for (int i = 0; i < hidden; i++)
        {
            double z = Linear.Sigmoid(gates[i]);
            next[i] = ((1 - z) * h[i]) + (z * Linear.Relu(candidate[i]));
        }

        return next;
    }

    /// <summary>log p(a|h, x) of the step.</summary>
    public double LogProbability(double[] h, double[] x, int[] composition) =>
        Linear.LogProbability(ControllerWeight, ControllerBias, [.. h, .. x], composition, Weight.Length);
}
