namespace ModNet.Reference;

/// <summary>One modular layer of linear modules and a Gaussian head: weight [M][out][in], bias [M][out] or null.</summary>
public sealed record ModularRegression(
    double[][][] Weight, double[][]? Bias, double[][] ControllerWeight, double[] ControllerBias, double Variance)
{
    /// <summary>Σ_k f_{a_k}(x), Eq. 1, with ReLU inside the module if asked for.</summary>
    public double[] Output(double[] x, int[] composition, bool relu)
    {
        var y = new double[Weight[0].Length];
        foreach (int a in composition)
        {
            double[] f = Linear.Apply(Weight[a], Bias?[a], x);
            for (int o = 0; o < y.Length; o++)
            {
                y[o] += relu ? Linear.Relu(f[o]) : f[o];
            }
        }

        return y;
    }

    /// <summary>log p(y, a|x) = log N(y | output, σ²) + log p(a|x), Eq. 3.</summary>
    public double LogJoint(double[] x, double[] y, int[] composition, bool relu)
    {
        double[] mean = Output(x, composition, relu);
        double logLikelihood = 0;
        for (int o = 0; o < y.Length; o++)
        {
            double error = y[o] - mean[o];
            logLikelihood += (-0.5 * error * error / Variance) - (0.5 * Math.Log(2 * Math.PI * Variance));
        }

        return logLikelihood
            + Linear.LogProbability(ControllerWeight, ControllerBias, x, composition, Weight.Length);
    }
}
