namespace ModNet.Kernels;

/// <summary>The sizes of a modular GRU and of what it runs over, and which of its variants it is.</summary>
/// <param name="Rows">B.</param>
/// <param name="Steps">T.</param>
/// <param name="Inputs">I, the width of x.</param>
/// <param name="Hidden">H, the width of h.</param>
/// <param name="Modules">M.</param>
/// <param name="Choose">K.</param>
public readonly record struct ModularGruSize(int Rows, int Steps, int Inputs, int Hidden, int Modules, int Choose)
{
    /// <summary>Whether each module ends in a ReLU of its own, beside the one on their sum.</summary>
    public bool ReluInside { get; init; }

    /// <summary>Whether a module that several positions of a row chose counts once in all, instead of once for each.</summary>
    public bool Once { get; init; }

    /// <summary>Whether the gradients of log-probabilities, and of a gate, stay out of h and x.</summary>
    public bool StopGradient { get; init; }

    /// <summary>
    /// k of a noisy top-k gate: for every row and step the k modules with the highest score H run, weighted by a softmax of H over those
    /// k. H is log p, with or without noise, and K has to be 1. Where this is 0 there is no gate: each of K positions has its module, and
    /// all of them count the same.
    /// </summary>
    public int TopK { get; init; }

    /// <summary>Whether a gate's scores are noisy: H = log p + noise⊙softplus(W_noise·[h, x]).</summary>
    public bool Noisy { get; init; }

    /// <summary>H + I, the width of [h, x].</summary>
    internal int Both => Hidden + Inputs;

    /// <summary>K or k: how many modules run for a row at a step.</summary>
    internal int Runs => TopK > 0 ? TopK : Choose;

    /// <summary>
    /// Whether the way back needs the modules' own outputs: for the gradient in their factors, or to know where their own ReLUs were
    /// open. For a single module that runs without a factor, the sum after its ReLU says the same.
    /// </summary>
    internal bool KeepsOutputs => TopK > 0 || (ReluInside && Choose > 1);

    /// <exception cref="ArgumentOutOfRangeException">A size is too small, or k does not fit.</exception>
    internal void Check()
    {
        Expected.AtLeast(Rows, 0, "B");
        Expected.AtLeast(Steps, 1, "T");
        Expected.AtLeast(Inputs, 1, "I");
        Expected.AtLeast(Hidden, 1, "H");
        Expected.AtLeast(Modules, 1, "M");
        Expected.AtLeast(Choose, 1, "K");
        if (TopK < 0 || TopK > Modules || (TopK > 0 && Choose != 1))
        {
            throw new ArgumentOutOfRangeException(
                "size", $"k: expected 0 to M = {Modules}, with K = 1 where it is above 0, got k = {TopK}, K = {Choose}.");
        }

        if (Noisy && TopK == 0)
        {
            throw new ArgumentOutOfRangeException("size", "k: expected at least 1 with noise, got 0.");
        }
    }
}
