namespace ModNet.Torch;

/// <summary>libtorch, or what is needed to build the shim over it, is missing. The message says where was looked, what was expected, what was found, and the remedy.</summary>
public sealed class LibtorchNotFoundException(string message) : Exception(message);
