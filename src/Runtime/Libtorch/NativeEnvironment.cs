using System.Runtime.InteropServices;

namespace ModNet.Runtime;

/// <summary>The environment as native libraries read it: .NET keeps a copy of its own.</summary>
internal static partial class NativeEnvironment
{
    /// <summary>Sets a variable; where it is set already, only with <paramref name="overwrite"/>. Not on Windows.</summary>
    internal static void Set(string name, string value, bool overwrite) => SetVariable(name, value, overwrite ? 1 : 0);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
