using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace ModNet.TorchSharpPeer;

/// <summary>
/// libtorch from where it lies. TorchSharp's own search would copy it first, and find another one where the system has one; once these are
/// loaded it takes them.
/// </summary>
internal static class NativeLibraries
{
    /// <summary>Before the first use of TorchSharp: libtorch's folder, and the path of TorchSharp's native library.</summary>
    internal static void Load(string folder, string binding)
    {
        foreach (string name in (string[])["torch_cpu", "torch_cuda", "torch"])
        {
            string path = Path.Combine(folder, FileName(name));
            if (name != "torch_cuda" || File.Exists(path))
            {
                NativeLibrary.Load(path);
            }
        }

        nint handle = NativeLibrary.Load(binding);
        AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name) =>
            name.Contains("LibTorchSharp", StringComparison.Ordinal) ? handle : 0;
    }

    private static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";
}
