namespace ModNet.Kernels;

/// <summary>
/// What the gradient in the weights of a modular linear layer is made of: that of module m is Σ g_bk x_bᵀ over the choices (b, k) that are m, where g is the gradient in
/// the outputs. It is what <see cref="ModularLinear.Backward(in ModularLinearSize, ReadOnlySpan{float}, ReadOnlySpan{long}, PinnedFloats, ReadOnlySpan{float}, ReadOnlySpan{float}, Span{float}, Span{float}, Span{float}, Cores)"/>
/// takes to write that gradient, and the sums are the same bits.
/// </summary>
public readonly ref struct LinearFactors
{
    /// <summary>The sizes of the layer. M = 0, which no layer has, says that nothing is given.</summary>
    public ModularLinearSize Size { get; init; }

    /// <summary>[B, in].</summary>
    public ReadOnlySpan<float> X { get; init; }

    /// <summary>[B, K]: the chosen modules.</summary>
    public ReadOnlySpan<long> Indices { get; init; }

    /// <summary>[B, K, out], the outputs. Empty for modules without ReLU.</summary>
    public ReadOnlySpan<float> Output { get; init; }

    /// <summary>[B, K, out]: the gradient in the outputs.</summary>
    public ReadOnlySpan<float> Upstream { get; init; }

    /// <summary>Whether there are factors.</summary>
    internal bool AreGiven => Size.Modules > 0;

    /// <summary>Checks that the lengths fit the sizes.</summary>
    internal void Check()
    {
        Expected.Length(X.Length, (long)Size.Rows * Size.Inputs, nameof(X), "[B, in]");
        Expected.Length(Indices.Length, Size.Choices, nameof(Indices), "[B, K]");
        Expected.Length(Upstream.Length, (long)Size.Choices * Size.Outputs, nameof(Upstream), "[B, K, out]");
        Expected.Length(Output.Length, Size.Relu ? Upstream.Length : 0, nameof(Output), Size.Relu ? "[B, K, out]" : "none");
    }
}
