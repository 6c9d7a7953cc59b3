using System.Runtime.InteropServices;

namespace ModNet.Runtime;

/// <summary>A second name for a file.</summary>
internal static partial class HardLink
{
    /// <summary>
    /// Gives <paramref name="path"/> the name <paramref name="other"/>, too; false where the system knows no such thing, or has that
    /// name already.
    /// </summary>
    internal static bool TryCreate(string path, string other) => !OperatingSystem.IsWindows() && Link(path, other) == 0;

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string path, string other);
}
