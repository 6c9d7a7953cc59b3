/// Nothing that is read is run, nothing that is named is a command, and files stay where they belong.
module ModNet.Tests.SafetyTests

open System
open System.Diagnostics
open System.IO
open System.Text.RegularExpressions
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Clone

let private sources (folders: string list) = [
    for folder in folders do
        for file in Directory.GetFiles(Path.Combine(root, folder), "*.*", SearchOption.AllDirectories) do
            let isSource = file.EndsWith ".cs" || file.EndsWith ".fs"

            let isOurs = not (file.Contains $"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}")

            if isSource && isOurs then Path.GetRelativePath(root, file), File.ReadAllText file
]

let private none (what: string) (folders: string list) (pattern: string) =
    for file, text in sources folders do
        let found = Regex.Match(text, pattern)
        Expect.isFalse found.Success $"{file}: {what}: {found.Value}"

/// A command that is none, for the first place of the PATH.
let private pretend (bin: string) (name: string) (body: string) =
    let path = write bin name $"#!/bin/sh\n{body}\n"
    File.SetUnixFileMode(path, UnixFileMode.UserRead ||| UnixFileMode.UserWrite ||| UnixFileMode.UserExecute)

/// Runs `./modnet VERB` of a folder, what lies in `bin` before all other commands: exit code, output, errors.
let private run' (directory: string) (bin: string) (verb: string) (environment: (string * string) list) =
    ("PATH", bin + ":" + Environment.GetEnvironmentVariable "PATH") :: environment
    |> run directory "bash" [ Path.Combine(directory, "modnet"); verb ]

/// A copy of ./modnet in a folder without sources, and a folder for commands that are none.
let private emptyClone (action: string -> string -> unit) =
    inDirectory
    <| fun directory ->
        let bin = Directory.CreateDirectory(Path.Combine(directory, "bin")).FullName
        copyScript directory

        for folder in [ "src/Kernels"; "src/Runtime"; "dsl"; "notebooks"; "tests"; ".config" ] do
            Directory.CreateDirectory(Path.Combine(directory, folder)) |> ignore

        action directory bin

/// A copy of ./modnet in a clone that is none, where apt-get only writes down what it is asked.
let private installing (environment: (string * string) list) (action: int -> string -> string list -> unit) =
    emptyClone
    <| fun directory bin ->
        let log = Path.Combine(directory, "asked")
        pretend bin "apt-get" $"printf '%%s\\n' \"$*\" >> '{log}'"
        pretend bin "sudo" "shift; exec \"$@\""

        // Certificates that are nowhere: something is missing.
        let code, _, errors = run' directory bin "demo" (("SSL_CERT_FILE", "/no/such/certificates") :: environment)

        let asked = if File.Exists log then List.ofArray (File.ReadAllLines log) else []

        action code errors asked

/// A copy of ./modnet in a clone of no sources, where dotnet only pretends: its test program does what is given.
let private testing (program: string list) (action: int -> string list -> string -> unit) =
    emptyClone
    <| fun directory bin ->
        for file in [ ".config/dotnet-tools.json"; "paket.dependencies"; "paket.lock"; "Directory.Build.props" ] do
            write directory file "" |> ignore

        let lines =
            [ "case $1 in"; "--list-sdks) echo '10.0.100 [/usr]' ;;"; "*ModNet.Tests.dll)" ]
            @ program
            @ [ ";;"; "esac" ]

        pretend bin "dotnet" (String.concat "\n" lines)
        let code, output, errors = run' directory bin "test" [ "NUGET_SOURCE", "nowhere" ]
        action code (List.ofArray (output.TrimEnd('\n').Split '\n')) errors

[<Tests>]
let tests =
    testSequenced
    <| testList "safety" [
        testCase "nothing makes code of what is read"
        <| fun () ->
            none
                "loads code"
                [ "src/Runtime"; "src/Kernels"; "dsl" ]
                @"\b(Assembly\.Load\w*|BinaryFormatter|Activator\.CreateInstance|Type\.GetType|torch\.jit|torch\.load)\b"

            none
                "reads types by name"
                [ "src"; "dsl" ]
                @"\b(TypeNameHandling|JsonDerivedType|BinaryFormatter|XmlSerializer)\b"
            // A user's script that was compiled is run, as the F# compiler made it.
            let contexts = sources [ "src"; "dsl" ] |> List.filter (fun (_, text) -> text.Contains "LoadFromAssembly")

            Expect.equal
                (List.map fst contexts)
                [ Path.Combine("dsl", "ModNet.Cli", "Compiled", "ScriptProgram.fs") ]
                "who loads assemblies"

            // The libraries that are loaded are libtorch's and TorchSharp's, of the package cache or of a folder that the user names, and
            // what our own C file for MPI was compiled to.
            let loads =
                sources [ "src" ] |> List.filter (fun (_, text) -> text.Contains "NativeLibrary.Load") |> List.sort

            Expect.equal
                (List.map fst loads)
                [
                    Path.Combine("src", "Runtime", "Libtorch", "LibtorchFolder.cs")
                    Path.Combine("src", "Runtime", "Ranks", "MpiLibrary.cs")
                    // The peer, which the benchmarks tell where the same libraries lie.
                    Path.Combine("src", "TorchSharpPeer", "NativeLibraries.cs")
                ]
                "who loads libraries"

        testCase "no shell, and no command line put together from strings"
        <| fun () ->
            // The names of shells alone are in the command that prints their completions.
            none
                "a shell"
                [ "src"; "dsl" ]
                "(ProcessStartInfo|Process\\.Start)[^\\n]*\"(ba|z)?sh\"|\"/bin/(ba|z)?sh\"|cmd\\.exe|UseShellExecute\\s*=\\s*true|\\bsystem\\("

            none
                "arguments in one string"
                [ "src"; "dsl" ]
                @"ProcessStartInfo\([^,)\n]*,\s*(\$?""|arguments)|\.Arguments\s*(=|<-)"

        testInDirectory "names with a shell's own characters are names"
        <| fun directory ->
            let name = "$(touch pwned) ; `touch pwned` && 'x' \"y\" | é"
            let out = Path.Combine(directory, name)
            let data = write directory $"{name}.csv" "a,y\n1,2\n3,4\n5,6\n"
            let load = Path.Combine(root, "notebooks", "modnet.fsx")

            let script =
                write
                    directory
                    "mine $(touch pwned).fsx"
                    $"#load @\"{load}\"\nopen ModNet\nlet net' = network \"n\" {{ features 1; linear 1; gaussian (variance 1.0) }}\nexperiment {{ net net'; data (csv \"\" {{ target \"y\" }}); train (em {{ steps 2; batch 2 }}) }} |> Program.main fsi.CommandLineArgs"

            let code, output, errors = modnet [ "train"; script; "--data"; data; "--out"; out ]
            Expect.equal code 0 $"{output}{errors}"
            Expect.isTrue (File.Exists(Path.Combine(out, "checkpoint.safetensors"))) "the folder of that name"

            for place in [ directory; out; root; Environment.CurrentDirectory ] do
                Expect.isFalse (File.Exists(Path.Combine(place, "pwned"))) $"nothing was run in {place}"

        testCase "./modnet names the packages first, and installs those and no others"
        <| fun () ->
            installing [] (fun code said asked ->
                Expect.equal code 1 said
                Expect.stringContains said "modnet: installing Debian packages: ca-certificates" "said"
                let installs = asked |> List.filter _.Contains("install")
                Expect.isNonEmpty installs "asked for"

                for command in asked do
                    Expect.isMatch
                        command
                        "(install --no-install-recommends ca-certificates|update)$"
                        "named packages only"

                Expect.stringContains
                    said
                    "still missing after installation: ca-certificates"
                    "and it looks whether they are there")

        testCase "./modnet installs nothing where it must not"
        <| fun () ->
            installing [ "MODNET_NO_INSTALL", "1" ] (fun code said asked ->
                Expect.equal code 1 said
                Expect.isEmpty asked "nothing is asked for"
                Expect.stringContains said "missing: ca-certificates" "said"
                Expect.stringContains said "apt-get install --no-install-recommends ca-certificates" "the remedy")

        testCase "./modnet test ends with what was counted, and its last line says what passed"
        <| fun () ->
            let counts = [
                Tally.Mutations("CSV", 2000, 500, 1499, 1)
                Tally.Note("kills", "20 of 20 survived")
                Tally.Mutations("text", 1500, 1000, 500, 0)
            ]

            Expect.equal
                [ for line in Tally.table counts -> Regex.Replace(line, " +", " ") ]
                [
                    " mutations of tried right refused failed"
                    " CSV 2000 500 1499 1"
                    " text 1500 1000 500 0"
                    " all 3500 1500 1999 1"
                    " kills: 20 of 20 survived"
                ]
                "what was counted"

            Expect.isEmpty (Tally.table []) "nothing was counted"

            testing [ "echo '2 passed, 0 failed, 1 skipped'" ] (fun code said errors ->
                Expect.equal (code, said) (0, [ "2 passed, 0 failed, 1 skipped" ]) errors)

            testing [ "echo 'failed: a'; echo '2 passed, 1 failed'; exit 1" ] (fun code said errors ->
                Expect.equal (code, said) (1, [ "failed: a"; "2 passed, 1 failed" ]) errors)

        testCase "a .NET SDK that does not run is one message, and not a silent end"
        <| fun () ->
            emptyClone
            <| fun directory bin ->
                pretend
                    bin
                    "dotnet"
                    "case $1 in --list-sdks) echo '10.0.100 [/usr]' ;; nuget) echo broken >&2; exit 134 ;; esac"

                let code, _, errors = run' directory bin "demo" [ "NUGET_SOURCE", "" ]
                Expect.equal code 1 errors
                Expect.stringContains errors "exit code 134: broken" "what happened"
                Expect.stringContains errors "remedy: " "what to do"

        testCase "./modnet test counts a test process that dies as a failure, and names the test"
        <| fun () ->
            for died in [ "kill -SEGV $$"; "exit 0"; "echo '2 passed, 0 failed'; exit 134" ] do
                testing [ "printf a/b >\"$MODNET_RUNNING\""; died ] (fun code said errors ->
                    Expect.equal (code, List.last said) (1, "0 passed, 1 failed") errors
                    Expect.stringContains errors "the last test that it began: a/b" died)

        testInDirectory "an archive's entries go by their file names, into memory"
        <| fun directory ->
            let inside = Directory.CreateDirectory(Path.Combine(directory, "inside")).FullName
            let archive = Path.Combine(inside, "cifar-10-binary.tar.gz")

            writeTarGz archive [
                for name, bytes in cifarFiles 2 do
                    $"../../{name}", bytes
                "../evil.txt", [| 1uy |]
                Path.Combine(directory, "absolute.txt"), [| 1uy |]
            ]

            use data = Cifar10.Load(archive, 1L, false, 1L)
            Expect.equal data.Splits.Train.Count 9L "images"
            Expect.equal (Directory.GetFiles inside) [| archive |] "nothing beside it"
            Expect.isEmpty (Directory.GetFiles directory) "nor above"

            let archive = Path.Combine(inside, "text.tgz")

            writeTarGz archive [
                for part in [ "train"; "valid"; "test" ] do
                    $"../../x.{part}.txt", "a b c\n"B
            ]

            Expect.equal (TextCorpus.Load archive).Train.Length 4 "words"
            Expect.equal (Directory.GetFiles inside).Length 2 "nothing beside them"
            Expect.isEmpty (Directory.GetFiles directory) "nor above"

        for name, bytes, part in
            [
                "Latin-1",
                Text.Encoding.Latin1.GetBytes(String.replicate 9 "un café\n"),
                "line 1, byte offset 6: expected text in UTF-8, got byte 0xE9"
                "UTF-16 without a mark",
                Text.Encoding.Unicode.GetBytes "one\ntwo\n",
                "expected plain text, got byte 0x00"
                "a packed text", gzip "one\ntwo\nthree\n"B, "unpack it first"
                "a packed archive that is cut",
                (gzip (tarOf Formats.Tar.TarEntryFormat.Gnu [ "x.train.txt", "a\n"B ]))[..80],
                "too early"
                "bytes at random", Array.init 4000 (fun i -> byte (i * i / 7)), "expected plain text, got byte 0x00"
            ] do
            testInDirectory $"a text that is none, {name}, is refused by the command line in one message"
            <| fun directory ->
                let path = Path.Combine(directory, "x")
                File.WriteAllBytes(path, bytes)
                let out = Path.Combine(directory, "run")
                let script = Path.Combine(root, "notebooks", "ptb.fsx")
                refused 1 [ "train"; script; "--data"; path; "--steps"; "2"; "--out"; out ] [ path; part ]
                Expect.isFalse (Directory.Exists out) "nothing is written"

        testCase "a network's name is no way out of runs/"
        <| fun () ->
            for name in [ "../evil"; "/etc/evil"; "a/b"; ".."; "." ] do
                let net' =
                    network name {
                        features 2
                        gaussian (variance 1.0)
                    }

                Expect.isError (check net') $"{name} is refused"
    ]
