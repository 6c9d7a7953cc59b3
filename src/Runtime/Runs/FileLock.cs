using System.Diagnostics;

namespace ModNet.Runtime;

/// <summary>
/// A lock between processes, of this machine and of others that share the folder: a file in the folder that it guards. One process alone holds the file
/// open, by a lock of the operating system, which frees it when the process dies. File systems on which such locks do not reach other machines, or are
/// not there at all, do no harm: the file says who holds it, and the holder renews that every five seconds. A record of this machine counts for as long
/// as its process is there, and one of another machine for as long as it is renewed. Disposing frees the lock.
/// </summary>
public sealed class FileLock : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly string _path;
    private readonly FileStream _file;
    private readonly bool _removes;
    private readonly LockTimes _times;
    private readonly Lock _gate = new();
    private LockRecord _own = LockRecord.OfThisProcess();
    private Timer? _beats;
    private bool _isFreed;

    private FileLock(string path, FileStream file, bool removes, LockTimes times) =>
        (_path, _file, _removes, _times) = (path, file, removes, times);

    /// <summary>
    /// Who has taken the lock from this process, because for half a minute it gave no sign of life that reached that one; null where nobody has.
    /// </summary>
    public string? Lost { get; private set; }

    /// <summary>
    /// Takes the lock at a path, whose folder is made if it is missing; null where another process holds it. UserException where the folder
    /// cannot be written. The file stays, unless freeing the lock <paramref name="removes"/> it. Where a process of another machine has left it
    /// without freeing it, and the system does not know that machine's locks, this takes half a minute.
    /// </summary>
    public static FileLock? TryTake(string path, bool removes = false) => TryTake(path, removes, null);

    internal static FileLock? TryTake(string path, bool removes, LockTimes? times)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        try
        {
            Directory.CreateDirectory(folder);
            times ??= LockTimes.Of(folder);
            // The file may be removed by its holder between opening and locking; then it is opened anew. Others got further each time.
            const int attempts = 100;
            for (int i = 0; i < attempts; i++)
            {
                var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
                var taken = new FileLock(path, file, removes, times);
                bool isTaken = false;
                try
                {
                    if (IsHeldStill(path, LockRecord.Read(file.SafeFileHandle), times))
                    {
                        return null;
                    }

                    isTaken = taken.Sign();
                    if (isTaken)
                    {
                        return taken;
                    }
                }
                finally
                {
                    if (!isTaken)
                    {
                        file.Dispose();
                    }
                }
            }

            return null;
        }
        catch (IOException e) when (IsInUse(e))
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refused(folder, e);
        }
    }

    /// <summary>Whether a process, of this machine or another, holds the lock at a path, as well as that can be known without taking it.</summary>
    public static bool IsHeld(string path)
    {
        LockRecord? holder = LockRecord.Read(path);
        return holder is not null
            && (holder.IsOfThisMachine
                ? holder.IsAlive
                // The clocks of two machines differ a little.
                : (DateTime.UtcNow - File.GetLastWriteTimeUtc(path)).Duration() < TimeSpan.FromMinutes(2));
    }

    /// <summary>Names the process that holds the lock at a path, as well as that can be known.</summary>
    public static string HolderOf(string path) => LockRecord.Read(path)?.ToString() ?? "another process";

    /// <summary>
    /// Takes the lock at a path and waits for its turn; the file is removed when it is freed. UserException where one and the same process holds it for longer than
    /// <paramref name="patience"/>, if that is given; the message has the <paramref name="remedy"/>.
    /// </summary>
    public static FileLock Take(string path, TimeSpan? patience = null, string remedy = "")
    {
        TimeSpan longest = TimeSpan.FromSeconds(1);
        TimeSpan pause = TimeSpan.FromMilliseconds(20);
        var waited = Stopwatch.StartNew();
        string? holder = null;
        while (true)
        {
            if (TryTake(path, removes: true) is FileLock taken)
            {
                return taken;
            }

            string? now = LockRecord.Read(path)?.Token;
            if (now != holder)
            {
                holder = now;
                waited.Restart();
            }

            if (waited.Elapsed > patience)
            {
                throw new UserException(
                    path, "a lock that is free", $"one that {HolderOf(path)} has held for {patience.Value.TotalMinutes:F0} minutes", remedy);
            }

            Thread.Sleep(pause);
            pause = pause + pause < longest ? pause + pause : longest;
        }
    }

    /// <summary>
    /// Takes the lock that stands for changes to a folder, <c>.lock</c> in it; waits for its turn. UserException where another process holds it for longer than two
    /// minutes.
    /// </summary>
    public static FileLock OfChanges(string folder) =>
        Take(Path.Combine(folder, ".lock"), Patience, "see whether a `reproduce` hangs, and end it");

    /// <summary>The exception that gives the system's reason why nothing can be written into a folder.</summary>
    internal static UserException Refused(string folder, Exception e) =>
        new(folder, "a folder that can be written", e.Message, "give another one with --out");

    // Whether the holder that a file names is there although the system gave this process the file's lock: the lock does not reach it.
    private static bool IsHeldStill(string path, LockRecord? holder, LockTimes times)
    {
        if (holder is null)
        {
            return false;
        }

        if (holder.IsOfThisMachine)
        {
            return holder.IsAlive;
        }

        // By this machine's clock alone: whoever changes the record while one looks is alive.
        var looked = Stopwatch.StartNew();
        while (looked.Elapsed < times.Lapse)
        {
            Thread.Sleep(times.Beat / 5);
            if (LockRecord.Read(path) is LockRecord now && now != holder)
            {
                return true;
            }
        }

        return false;
    }

    // Says that this process is the holder, and looks whether the file says so, too, once others that took it in the same moment have written their names.
    private bool Sign()
    {
        Write();
        Thread.Sleep(_times.Settle);
        if (!IsOwn(LockRecord.Read(_path)))
        {
            return false;
        }

        _beats = new Timer(_ => Renew(), null, _times.Beat, _times.Beat);
        return true;
    }

    private bool IsOwn(LockRecord? record) => record?.Token == _own.Token;

    private void Write()
    {
        RandomAccess.Write(_file.SafeFileHandle, _own.ToBytes(), 0);
        if (_times.Settle > TimeSpan.Zero)
        {
            // Other machines see it once it is with the server.
            RandomAccess.FlushToDisk(_file.SafeFileHandle);
        }
    }

    private void Renew()
    {
        lock (_gate)
        {
            if (_isFreed || Lost is not null)
            {
                return;
            }

            try
            {
                LockRecord? found = LockRecord.Read(_path);
                if (found is not null && !IsOwn(found))
                {
                    Lost = found.ToString();
                    return;
                }

                _own = _own with { Beat = _own.Beat + 1 };
                Write();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The next time may go better.
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isFreed)
            {
                return;
            }

            _isFreed = true;
            _beats?.Dispose();
            try
            {
                if (IsOwn(LockRecord.Read(_path)))
                {
                    // While it is still locked, so that nobody removes a file that another one has taken.
                    if (_removes)
                    {
                        File.Delete(_path);
                    }

                    _file.SetLength(0);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Whoever takes it next sees that its holder is gone.
            }

            _file.Dispose();
        }
    }

    // The error of a file that another process has locked: EAGAIN on Linux and macOS, a sharing violation on Windows.
    private static bool IsInUse(IOException e) => (e.HResult & 0xFFFF) is 11 or 35 or 32;
}
