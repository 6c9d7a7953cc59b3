module ModNet.Tests.FileLockTests

open System
open System.IO
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open Expecto
open Microsoft.Win32.SafeHandles
open ModNet.Runtime
open ModNet.Tests.Signals

/// Where locks of the system are not there, as on some file systems of clusters.
let private withoutSystemLocks = [ "DOTNET_SYSTEM_IO_DISABLEFILELOCKING", "1" ]

/// A hundred times as fast as in use.
let private fast =
    LockTimes(TimeSpan.FromMilliseconds 50.0, TimeSpan.FromMilliseconds 400.0, TimeSpan.FromMilliseconds 100.0)

let private take (path: string) = FileLock.TryTake(path, false, fast)

/// What a process of another machine writes into the file of a lock.
let private ofOtherMachine (beat: int64) =
    LockRecord(1234, "99", "node07", "another-machine", "2026-11-30T12:00:00Z", "a-word-of-its-own", beat)

[<DllImport("libc", EntryPoint = "open")>]
extern int private openFile(string path, int flags, int mode)

/// Writes it as another machine does, which the lock of this one's system does not keep from it: .NET would ask for one.
let private write (path: string) (record: LockRecord) =
    let createAndWrite = 0o101
    use file = new SafeFileHandle(nativeint (openFile (path, createAndWrite, 0o644)), true)
    RandomAccess.Write(file, ReadOnlySpan(record.ToBytes()), 0L)

[<Tests>]
let tests =
    testList "file locks" [
        testInDirectory "one at a time holds a lock, and freeing it removes the file where that is asked for"
        <| fun directory ->
            for removes in [ false; true ] do
                let path = Path.Combine(directory, "made", $"{removes}.lock")

                do
                    use held = FileLock.TryTake(path, removes)
                    Expect.isNotNull held "taken"
                    Expect.isNull (FileLock.TryTake(path, removes)) "taken already"
                    Expect.isTrue (FileLock.IsHeld path) "held"

                Expect.equal (File.Exists path) (not removes) "the file"
                Expect.isFalse (FileLock.IsHeld path) "free"
                use again = FileLock.TryTake(path, removes)
                Expect.isNotNull again "free again"

        testInDirectory "a lock where no folder can be made is refused"
        <| fun directory ->
            let file = Path.Combine(directory, "file")
            File.WriteAllText(file, "")

            complains (fun () -> FileLock.TryTake(Path.Combine(file, "x.lock")) |> ignore) [
                $"{file}: expected a folder that can be written, got "
                "give another one with --out"
            ]

        testInDirectory "changes to a folder wait for one another, by a lock in it, and leave nothing there"
        <| fun directory ->
            let mutable inside = 0
            let mutable most = 0

            let change _ =
                use _held = FileLock.OfChanges directory
                Expect.equal (Directory.GetFiles directory |> Array.map Path.GetFileName) [| ".lock" |] "the lock"
                most <- max most (Interlocked.Increment &inside)
                Thread.Sleep 5
                Interlocked.Decrement &inside |> ignore

            Parallel.For(0, 8, change) |> ignore
            Expect.equal most 1 "one at a time"
            Expect.isEmpty (Directory.GetFileSystemEntries directory) "the folder"

        for environment, where in [ [], "with the system's locks"; withoutSystemLocks, "where the system has no locks" ] do
            testInDirectory $"another process holds a lock until it ends or is killed, {where}"
            <| fun directory ->
                for endsWell in [ true; false ] do
                    let path = Path.Combine(directory, "run.lock")
                    use holder = LockHolder.start environment path
                    Expect.isTrue (FileLock.IsHeld path) "held"
                    Expect.equal (FileLock.HolderOf path) $"process {holder.Id}" "by whom"
                    Expect.isNull (FileLock.TryTake(path, removes = true)) "not to be had"

                    if endsWell then holder.StandardInput.Close() else send Signal.Kill holder
                    holder.WaitForExit()
                    Expect.equal (File.Exists path) (not endsWell) "the file"
                    Expect.isFalse (FileLock.IsHeld path) "free"
                    use taken = FileLock.TryTake(path, removes = true)
                    Expect.isNotNull taken "to be had at once"

        testInDirectory
            "a process of another machine, whose lock does not reach this one, holds it for as long as it renews it"
        <| fun directory ->
            let path = Path.Combine(directory, "run.lock")
            use isDead = new ManualResetEventSlim false

            let renewing =
                Task.Run(fun () ->
                    let mutable beat = 0L

                    while not isDead.IsSet do
                        beat <- beat + 1L
                        write path (ofOtherMachine beat)
                        Thread.Sleep fast.Beat)

            while not (File.Exists path) do
                Thread.Sleep 1

            Expect.isNull (take path) "it is alive"
            Expect.equal (FileLock.HolderOf path) "process 1234 on node07" "by whom"
            Expect.isTrue (FileLock.IsHeld path) "held"
            isDead.Set()
            renewing.Wait()
            use taken = take path
            Expect.isNotNull taken "it is gone"

        testInDirectory "of two machines that take a lock in the same moment, the one that wrote last has it"
        <| fun directory ->
            let path = Path.Combine(directory, "run.lock")

            let other =
                Task.Run(fun () ->
                    while isNull (LockRecord.Read path) do
                        Thread.Sleep 1

                    // And goes on renewing it.
                    for beat in 0L .. 10L do
                        write path (ofOtherMachine beat)
                        Thread.Sleep fast.Beat)

            Expect.isNull (take path) "the other one has it"
            other.Wait()
            Expect.equal (LockRecord.Read path) (ofOtherMachine 10L) "and keeps it"

        testInDirectory "a holder learns that its lock was taken, and leaves the new holder's file alone"
        <| fun directory ->
            let path = Path.Combine(directory, "run.lock")

            do
                use held = FileLock.TryTake(path, true, fast)
                Expect.isNull held.Lost "its own"
                write path (ofOtherMachine 0L)
                Expect.isTrue (SpinWait.SpinUntil((fun () -> not (isNull held.Lost)), 5_000)) "lost"
                Expect.equal held.Lost "process 1234 on node07" "to whom"

            Expect.equal (LockRecord.Read path) (ofOtherMachine 0L) "the file"

        testInDirectory "a run whose folder another machine has taken writes no more into it"
        <| fun directory ->
            use folder = RunFolder.Create directory
            folder.Append(MetricsLine(1L, "train", readOnlyDict [ "loss", 1.0 ]))
            write (folder.PathOf "run.lock") (ofOtherMachine 0L)

            let refused () =
                try
                    folder.FlushMetrics() |> ignore
                    false
                with :? UserException as mistake ->
                    Expect.stringContains mistake.Message "process 1234 on node07 has taken" "by whom"
                    true

            // It looks every five seconds.
            Expect.isTrue
                (SpinWait.SpinUntil(
                    (fun () ->
                        Thread.Sleep 50
                        refused ()),
                    20_000
                ))
                "refused"
    ]
