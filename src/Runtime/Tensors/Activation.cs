using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The nonlinearity of a module or layer. A module's is inside the module (paper, section 3).</summary>
public enum Activation
{
    /// <summary>No nonlinearity.</summary>
    Identity,

    /// <summary>max(0, x).</summary>
    Relu,

    /// <summary>tanh x.</summary>
    Tanh,

    /// <summary>1 / (1 + e^−x).</summary>
    Sigmoid,
}

/// <summary>Applies an <see cref="Activation"/>.</summary>
public static class Activations
{
    /// <summary>Applies the activation to each value of a tensor of any shape.</summary>
    public static Tensor Apply(this Activation activation, Tensor x) => activation switch
    {
        Activation.Identity => x,
        Activation.Relu => nn.functional.relu(x),
        Activation.Tanh => tanh(x),
        Activation.Sigmoid => sigmoid(x),
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, "an Activation"),
    };
}
