namespace ModNet.Runtime;

/// <summary>How weights begin. <c>in</c> and <c>out</c> are a single module's fans: for a convolution, channels · kernel².</summary>
public enum Init
{
    /// <summary>Weights and biases U(−1/√in, 1/√in).</summary>
    Uniform,

    /// <summary>Weights U(−√(6/(in+out)), √(6/(in+out))), biases 0.</summary>
    Glorot,

    /// <summary>Weights N(0, 2/in), biases 0.</summary>
    He,

    /// <summary>
    /// As the reference library has it, for comparison only: Glorot's over the stack of M modules as if it were one tensor,
    /// U(−√(6/(M·(in+out))), √(6/(M·(in+out)))), which shrinks weights by √M; biases 0.
    /// </summary>
    Stacked,
}
