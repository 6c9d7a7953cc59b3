namespace ModNet.Kernels;

/// <summary>The noisy top-k gate of a modular GRU (Shazeer et al. 2017, Eqs. 3–5), for one row at one step.</summary>
internal static unsafe class ModularGruTopK
{
    /// <summary>h [M] += noise⊙softplus(deviations).</summary>
    internal static void Add(float* noise, float* deviations, int modules, float* h)
    {
        for (int m = 0; m < modules; m++)
        {
            float d = deviations[m];
            // softplus(d) = log(1 + e^d), written so that no exponential overflows.
            h[m] += noise[m] * (MathF.Max(d, 0f) + MathF.Log(1f + MathF.Exp(-MathF.Abs(d))));
        }
    }

    /// <summary>
    /// Writes the k modules with the highest h [M] to chosen, the highest first, of equals the first one, and NaN before all else; and
    /// the softmax of h over these k to factors.
    /// </summary>
    internal static void Choose(float* h, int modules, int k, long* chosen, float* factors)
    {
        // Until the softmax, factors holds the highest h that were met so far, in order.
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

    /// <summary>Writes the derivatives of the chosen modules' H in their deviations, before the softplus, to slopes [k].</summary>
    internal static void Slopes(float* noise, float* deviations, long* chosen, int k, float* slopes)
    {
        for (int j = 0; j < k; j++)
        {
            slopes[j] = noise[chosen[j]] / (1f + MathF.Exp(-deviations[chosen[j]]));
        }
    }

    /// <summary>Turns derivatives in the factors [k] into derivatives in H of the same modules.</summary>
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
