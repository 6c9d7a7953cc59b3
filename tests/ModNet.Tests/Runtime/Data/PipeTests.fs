/// Data that come through a pipe, which can be read only once, and from what is neither a file nor a folder.
module ModNet.Tests.PipeTests

open System
open System.Formats.Tar
open System.IO
open System.Net.Sockets
open System.Runtime.InteropServices
open System.Text
open System.Threading
open Expecto
open ModNet.Runtime

[<DllImport("libc", EntryPoint = "mkfifo")>]
extern int private makePipe(string path, int mode)

/// A pipe through which these bytes come, once.
let private pipe (directory: string) (name: string) (bytes: byte[]) : string =
    let path = Path.Combine(directory, name)
    Expect.equal (makePipe (path, 0o600)) 0 "a pipe"

    let write () =
        use stream = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)
        stream.Write bytes

    Thread(write, IsBackground = true).Start()
    path

let private layout = CsvLayout(Targets = [| "y" |])

[<Tests>]
let tests =
    testList "pipes" [
        testInDirectory "a text is read from a pipe, and read again in the same process"
        <| fun directory ->
            // More than a pipe holds at a time.
            let text = String.concat "\n" [ for i in 1..40_000 -> $"a{i % 7} b c" ]
            let file = TextCorpus.Load(write directory "x.txt" text)
            let path = pipe directory "x" (Encoding.UTF8.GetBytes text)

            for _ in 1..2 do
                let piped = TextCorpus.Load path
                Expect.equal piped.Train file.Train "words"

                Expect.equal
                    piped.Files[0]
                    (DataFile("x", file.Files[0].Bytes, file.Files[0].Sha256))
                    "bytes and checksum"

            File.Delete path
            let other = TextCorpus.Load(write directory "x" "one\ntwo\nthree\n")
            Expect.equal other.Files[0].Bytes 14L "a file in the pipe's place is read"

        testInDirectory "a CSV file is read from a pipe"
        <| fun directory ->
            let path = pipe directory "x" "a,y\n1,2\n"B
            use data = CsvFile.Load(path, layout, 0.0, 0.0, true, 1L)
            Expect.equal (numbers data.Splits.Train.Targets) [| 2.0 |] "y"
            Expect.equal data.Files[0].Bytes 8L "bytes"

        testInDirectory "CIFAR-10's archive is read from a pipe"
        <| fun directory ->
            let path = pipe directory "x" (gzip (tarOf TarEntryFormat.Pax (cifarFiles 2)))
            use data = Cifar10.Load(path, 0L, false, 1L)
            Expect.equal data.Splits.Train.Count 10L "images"

        testInDirectory "what is wrong in a pipe is said with its path"
        <| fun directory ->
            let path = pipe directory "x" [| yield! "a,y\n1,"B; 0xE9uy |]

            complains (fun () -> CsvFile.Load(path, layout, 0.0, 0.0, false, 1L).Dispose()) [
                $"{path}, line 2, byte offset 6: expected text in UTF-8, got byte 0xE9"
            ]

            let images = pipe directory "images" "none"B
            complains (fun () -> Mnist.Load(images, 0L, false, 1L).Dispose()) [ "four idx files, got a file" ]

        testInDirectory "a device without data, and a socket, are refused"
        <| fun directory ->
            complains (fun () -> TextCorpus.Load "/dev/null" |> ignore) [
                "/dev/null: expected text, got an empty file"
            ]

            let path = Path.Combine(directory, "socket")
            use socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            socket.Bind(UnixDomainSocketEndPoint path)
            complains (fun () -> TextCorpus.Load path |> ignore) [ $"{path}: expected a whole file that can be read" ]
    ]
