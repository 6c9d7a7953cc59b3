namespace ModNet.Reference;

/// <summary>The paper's formulas in plain arithmetic, one number at a time: what the runtime is held to.</summary>
public static class Linear
{
    /// <summary>W x + b: w [out][in], b [out] or null, x [in] → [out].</summary>
    public static double[] Apply(double[][] w, double[]? b, double[] x)
    {
        var y = new double[w.Length];
        for (int o = 0; o < w.Length; o++)
        {
            double sum = b?[o] ?? 0;
            for (int i = 0; i < x.Length; i++)
            {
                sum += w[o][i] * x[i];
            }

            y[o] = sum;
        }

        return y;
    }

    /// <summary>log softmax: [n] → [n].</summary>
    public static double[] LogSoftmax(double[] scores)
    {
        double largest = scores.Max();
        double sum = scores.Sum(s => Math.Exp(s - largest));
        return [.. scores.Select(s => s - largest - Math.Log(sum))];
    }

    /// <summary>log p(a|x) of a linear controller, w [K·M][in], b [K·M]: one softmax over M per position.</summary>
    public static double LogProbability(double[][] w, double[] b, double[] x, int[] composition, int modules)
    {
        double[] scores = Apply(w, b, x);
        double total = 0;
        for (int k = 0; k < composition.Length; k++)
        {
            total += LogSoftmax(scores[(k * modules)..((k + 1) * modules)])[composition[k]];
        }

        return total;
    }

    /// <summary>max(0, x).</summary>
    public static double Relu(double x) => Math.Max(0, x);

    /// <summary>1 / (1 + e^−x).</summary>
    public static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
