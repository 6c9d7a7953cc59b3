module ModNet.Tests.FileLockTests

open System.IO
open Expecto
open ModNet.Runtime

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

                Expect.equal (File.Exists path) (not removes) "the file"
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

        testInDirectory "changes to a folder wait for one another, and leave nothing in it"
        <| fun directory ->
            let mutable inside = 0
            let mutable most = 0

            let change _ =
                use _held = FileLock.OfChanges directory
                most <- max most (System.Threading.Interlocked.Increment &inside)
                System.Threading.Thread.Sleep 5
                System.Threading.Interlocked.Decrement &inside |> ignore

            System.Threading.Tasks.Parallel.For(0, 8, change) |> ignore
            Expect.equal most 1 "one at a time"
            Expect.isEmpty (Directory.GetFileSystemEntries directory) "the folder"
    ]
