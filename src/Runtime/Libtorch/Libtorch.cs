using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using TorchSharp;

namespace ModNet.Runtime;

/// <summary>
/// Loads libtorch and TorchSharp's native library before TorchSharp looks for them itself. TorchSharp's own search would copy 500 MB into
/// the output folder or the package cache, and fails where the C++ runtime is older than the one it was built with.
/// </summary>
/// <remarks>
/// The libraries load when TorchSharp is first used, once any type of this assembly has been touched; where the system has a libtorch
/// of its own, which TorchSharp would find first, they load at that touch. A program whose first line uses <c>torch</c> calls
/// <see cref="Load"/> before that.
/// </remarks>
public static class Libtorch
{
    private static readonly Lock Gate = new();
    private static LoadedLibtorch? loaded;

    /// <summary>What is loaded; null before <see cref="Load"/>, and where TorchSharp found its libraries by itself.</summary>
    public static LoadedLibtorch? Loaded => loaded;

    /// <summary>The version of libtorch that runs, as the library says it: 2.10.0. Loads it.</summary>
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

    /// <summary>Loads what is not loaded yet. Safe to call again, from any thread.</summary>
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
            }
        }
    }

    /// <summary>Does nothing but touch this assembly, so that from here on TorchSharp finds its libraries; they load when they are needed.</summary>
    public static void Ready()
    {
    }

    /// <summary>Settings that the libraries read from the environment are made before anything can load them.</summary>
#pragma warning disable CA2255 // What has to happen before another library's first use cannot wait for a call.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Prepare()
    {
        IdleThreads.Sleep();
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
                // Not needed yet, perhaps never; whoever needs it calls Load again, and hears.
            }
        }
    }

    // TorchSharp asks for torch_cpu (or torch_cuda) first and then for its own library; only the latter's handle counts.
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
