namespace ModNet.Runtime;

/// <summary>
/// How often the holder of a lock gives a sign of life, after how long without one it counts as gone, and how long a taker waits before it looks whether
/// another one took the lock in the same moment.
/// </summary>
internal sealed record LockTimes(TimeSpan Beat, TimeSpan Lapse, TimeSpan Settle)
{
    // File systems that other machines may write to as well are all others; to take one of these for shared costs a second.
    private static readonly string[] OfOneMachine =
        ["ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "ramfs", "overlay", "overlayfs", "apfs"];

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>Those for a lock in a folder.</summary>
    internal static LockTimes Of(string folder) => new(5 * Second, 30 * Second, IsShared(folder) ? Second : TimeSpan.Zero);

    /// <summary>Whether the folder's file system may be one that several machines share.</summary>
    private static bool IsShared(string folder)
    {
        try
        {
            return !OfOneMachine.Contains(new DriveInfo(folder).DriveFormat, StringComparer.OrdinalIgnoreCase);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return true;
        }
    }
}
