namespace ModNet.Runtime;

/// <summary>In which numbers the products of modules are multiplied.</summary>
public enum Precision
{
    /// <summary>In those of their weights.</summary>
    Weights,

    /// <summary>
    /// In bfloat16, which has the range of float32 and 8 bits of its precision: a product's inputs and weights are rounded to it, libtorch multiplies them, and the
    /// result is a float32 number again. Weights, their gradients, what the optimiser remembers, biases, sums over modules, activations, controllers and heads stay in
    /// float32. The products that make gradients are in bfloat16 as well.
    /// </summary>
    Bfloat16Products,
}
