namespace ModNet.Kernels;

/// <summary>A modular GRU's noisy top-k gate (Shazeer et al. 2017, Eqs. 3–5), for one row at one step.</summary>
internal static unsafe class ModularGruTopK
{
    /// <summary>h [M] += noise⊙softplus(deviations).</summary>
    internal static void Add(float* noise, float* deviations, int modules, float* h)
    {
        for (int m = 0; m < modules; m++)
        {
            float d = deviations[m];
            // log(1 + e^d), without an e^d that overflows.
            h[m] += noise[m] * (MathF.Max(d, 0f) + MathF.Log(1f + MathF.Exp(-MathF.Abs(d))));
        }
    }

    /// <summary>
    /// The k modules of highest h [M], the highest first and the first of equals, NaN before all else; and the softmax of
    /// h over them.
    /// </summary>
    internal static void Choose(float* h, int modules, int k, long* chosen, float* factors)
    {
        // Until it has become the softmax, what is here is h of those that are the highest so far, in order.
        for (int m = 0; m < modules; m++)
        {
            int at = Math.Min(m, k);
            while (at > 0 && Above(h[m], factors[at - 1]))
            {
                at--;
            }

            for (int j = Math.Min(m, k - 1); j > at; j--)
            {
                factors[j] = factors[j - 1];
                chosen[j] = chosen[j - 1];
            }

            if (at < k)
            {
                factors[at] = h[m];
                chosen[at] = m;
            }
        }

        float highest = factors[0], sum = 0f;
        for (int j = 0; j < k; j++)
        {
            factors[j] = MathF.Exp(factors[j] - highest);
            sum += factors[j];
        }

        for (int j = 0; j < k; j++)
        {
            factors[j] /= sum;
        }
    }

    /// <summary>dH/d(deviation before its softplus) of the chosen modules → slopes [k].</summary>
    internal static void Slopes(float* noise, float* deviations, long* chosen, int k, float* slopes)
    {
        for (int j = 0; j < k; j++)
        {
            slopes[j] = noise[chosen[j]] / (1f + MathF.Exp(-deviations[chosen[j]]));
        }
    }

    /// <summary>Derivatives [k] in factors become those in H of the same modules.</summary>
    internal static void Back(float* factors, int k, float* d)
    {
        float sum = 0f;
        for (int j = 0; j < k; j++)
        {
            sum += factors[j] * d[j];
        }

        for (int j = 0; j < k; j++)
        {
            d[j] = factors[j] * (d[j] - sum);
        }
    }

    private static bool Above(float a, float b) => a > b || (float.IsNaN(a) && !float.IsNaN(b));
}
