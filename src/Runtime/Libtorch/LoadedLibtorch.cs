namespace ModNet.Runtime;

/// <summary>The native libraries in use.</summary>
/// <param name="Version">libtorch's version, as the library itself says.</param>
/// <param name="Folder">Where libtorch lies.</param>
/// <param name="Source">Who named the folder: an environment variable, the build, the package cache.</param>
/// <param name="BindingPath">TorchSharp's native library.</param>
/// <param name="IsRelaxed">Whether it is a private copy that asks less of the C++ runtime than the original (see <see cref="VersionNeed"/>).</param>
/// <param name="Blas">Who multiplies matrices, where libtorch has it built in and tells; else null.</param>
/// <param name="HasCuda">Whether this libtorch has its CUDA part.</param>
public sealed record LoadedLibtorch(Version Version, string Folder, string Source, string BindingPath, bool IsRelaxed, string? Blas, bool HasCuda)
{
    /// <summary>The handle of TorchSharp's native library.</summary>
    internal nint Binding { get; init; }
}
