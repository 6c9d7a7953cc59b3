using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ModNet.Runtime;

/// <summary>
/// What .NET lacks for the entries of folders on Linux and macOS: flushing them to the disk, second names for files, and reading a file that
/// another process has locked.
/// </summary>
internal static partial class FolderEntries
{
    // EIO, ENOSPC, EDQUOT. File systems that cannot flush a folder answer with another number.
    private static readonly int[] Failures = [5, 28, 122];

    /// <summary>
    /// Flushes the entries of a folder to the disk; only then does a rename in it outlast a power failure. Windows has no such call, and
    /// nothing is done there. IOException where the disk refuses.
    /// </summary>
    internal static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        int file = Open(folder, 0);
        if (file < 0)
        {
            return;
        }

        int result = Flush(file);
        int error = Marshal.GetLastPInvokeError();
        _ = Close(file);
        if (result != 0 && Failures.Contains(error))
        {
            throw new IOException($"{Marshal.GetPInvokeErrorMessage(error)} : '{folder}'");
        }
    }

    /// <summary>Gives the file at <paramref name="path"/> a second name. False where the system cannot, or where that name is taken.</summary>
    internal static bool TryLink(string path, string other) => !OperatingSystem.IsWindows() && Link(path, other) == 0;

    /// <summary>
    /// Opens a file for reading, whoever has locked it: .NET itself would ask for a lock of its own. Null where it cannot be opened, and on
    /// Windows.
    /// </summary>
    internal static SafeFileHandle? OpenLocked(string path)
    {
        int file = OperatingSystem.IsWindows() ? -1 : Open(path, 0);
        return file < 0 ? null : new(file, ownsHandle: true);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int file);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string path, string other);
}
