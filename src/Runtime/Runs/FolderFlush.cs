using System.Runtime.InteropServices;

namespace ModNet.Runtime;

/// <summary>Flushes folders to the disk: only then does a rename in one outlast a power failure.</summary>
internal static partial class FolderFlush
{
    // Some file systems know no flush of folders, and say so by another number than these: EIO, ENOSPC, EDQUOT.
    private static readonly int[] Failures = [5, 28, 122];

    /// <summary>Flushes the entries of <paramref name="folder"/>. IOException where the disk will not take them. Nothing on Windows, which has no such call.</summary>
    internal static void ToDisk(string folder)
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

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int file);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);
}
