using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using TorchSharp;

namespace ModNet.Runtime;

/// <summary>
/// Loads libtorch and TorchSharp's native library before TorchSharp looks for them. TorchSharp's own search would copy 500 MB into the
/// output folder or the package cache, and it fails where the C++ runtime is older than the one with which TorchSharp was built.
/// </summary>
/// <remarks>
/// Once any type of this assembly has been touched, the libraries load when TorchSharp is first used; where the system has a libtorch of
/// its own, which TorchSharp would find first, they load at that touch. A program whose first line uses <c>torch</c> has to call
/// <see cref="Load"/> before it.
/// </remarks>
public static class Libtorch
{
    private static readonly Lock Gate = new();
    private static LoadedLibtorch? loaded;

    /// <summary>The libraries that are loaded; null before <see cref="Load"/>, and where TorchSharp found its libraries by itself.</summary>
    public static LoadedLibtorch? Loaded => loaded;

    /// <summary>Loads libtorch and gives the version that the library itself tells, such as 2.10.0.</summary>
    /// <exception cref="UserException">libtorch is missing, or is of a version that does not fit.</exception>
    public static string Version
    {
        get
        {
            Load();
            return loaded!.Version.ToString();
        }
    }

    /// <summary>The version of the TorchSharp in use.</summary>
    public static string TorchSharpVersion { get; } =
        typeof(torch).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
        ?? typeof(torch).Assembly.GetName().Version!.ToString(3);

    /// <summary>The version of libtorch that this TorchSharp is built for: a constant in it, read without its static constructor.</summary>
    public static System.Version Expected { get; } =
        System.Version.Parse((string)typeof(torch).GetField("libtorchPackageVersion", BindingFlags.NonPublic | BindingFlags.Static)!.GetRawConstantValue()!);

    /// <summary>Loads the libraries unless they are loaded. It may be called again, and from any thread.</summary>
    /// <exception cref="UserException">libtorch is missing, or is of a version that does not fit.</exception>
    public static void Load()
    {
        lock (Gate)
        {
            if (loaded is null)
            {
                FreedMemory.Keep();
                LibtorchFolder folder = LibtorchFolder.Find();
                OtherLibtorch.MustNotBeLoaded(folder.Path);
                loaded = folder.Load();
                QuietLog.Read(loaded.Binding);
                LateScalars.Keep(loaded.Binding);
            }
        }
    }

    /// <summary>Touches this assembly and does nothing else. From then on TorchSharp finds its libraries, which load when they are needed.</summary>
    public static void Ready()
    {
    }

    /// <summary>Makes the settings that the libraries read from the environment, before anything can load them.</summary>
#pragma warning disable CA2255 // What has to happen before another library's first use cannot wait for a call.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Prepare()
    {
        IdleThreads.Sleep();
        SoundConvolutions.Ensure();
        AssemblyLoadContext? context = AssemblyLoadContext.GetLoadContext(typeof(torch).Assembly);
        (context ?? AssemblyLoadContext.Default).ResolvingUnmanagedDll += Resolve;
        if (OtherLibtorch.IsOnTheSearchPath())
        {
            try
            {
                Load();
            }
            catch (UserException)
            {
                // The libraries may never be needed. Code that needs them calls Load again and gets the exception.
            }
        }
    }

    // TorchSharp asks for torch_cpu (or torch_cuda) and then for its own library; only the handle of the latter is used.
    private static nint Resolve(Assembly assembly, string name)
    {
        if (assembly != typeof(torch).Assembly || !name.Contains("torch", StringComparison.OrdinalIgnoreCase))
        {
            return 0;
        }

        Load();
        return name.Contains(LibtorchFolder.BindingName, StringComparison.Ordinal) ? loaded!.Binding : 0;
    }
}
