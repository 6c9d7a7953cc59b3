/// Which native libraries are loaded, from where, and what is said when they are missing or do not fit.
module ModNet.Tests.LibtorchTests

open System
open System.IO
open System.Runtime.InteropServices
open System.Security.Cryptography
open System.Text
open System.Text.RegularExpressions
open Expecto
open ModNet.Runtime
open ModNet.Tests.Clone

/// An ELF file of 64 bits as readelf reads it, field by field: the oracle of `VersionNeed`.
type private Elf(image: byte[]) =
    let u16 (at: int) = int (BitConverter.ToUInt16(image, at))
    let u32 (at: int) = int (BitConverter.ToUInt32(image, at))
    let u64 (at: int) = int (BitConverter.ToUInt64(image, at))

    let text (at: int) = Encoding.ASCII.GetString(image, at, Array.IndexOf(image, 0uy, at) - at)

    // Name, offset, size, of which the names come from the table of names that the header points to.
    let sections =
        let table, size, count, names = u64 0x28, u16 0x3A, u16 0x3C, u16 0x3E
        let nameTable = u64 (table + names * size + 0x18)

        Map [
            for i in 0 .. count - 1 do
                let header = table + i * size
                text (nameTable + u32 header), (u64 (header + 0x18), u64 (header + 0x20))
        ]

    let strings = fst sections[".dynstr"]

    /// File, version, where its flags lie, its flags, its index: the entries of .gnu.version_r.
    member _.Needs =
        let start, size = sections[".gnu.version_r"]

        let rec auxiliaries file at = [
            (file, text (strings + u32 (at + 8)), at + 4, u16 (at + 4), u16 (at + 6))

            if u32 (at + 12) <> 0 then yield! auxiliaries file (at + u32 (at + 12))
        ]

        let rec files at = [
            yield! auxiliaries (text (strings + u32 (at + 4))) (at + u32 (at + 8))

            if u32 (at + 12) <> 0 && at < start + size then yield! files (at + u32 (at + 12))
        ]

        files start

    /// The name of a dynamic symbol, and where its version's index lies.
    member _.Symbols =
        let symbols, size = sections[".dynsym"]
        let versions, _ = sections[".gnu.version"]

        [ for i in 0 .. size / 24 - 1 -> text (strings + u32 (symbols + 24 * i)), versions + 2 * i ]

let private needOf (image: byte[]) =
    Elf(image).Needs |> List.tryFind (fun (_, version, _, _, _) -> version = VersionNeed.Version)

/// TorchSharp's native library in the package cache, as this build noted it.
let private original =
    lazy
        (File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "libtorch.txt"))
         |> Array.map (fun folder -> Path.Combine(folder, "libLibTorchSharp.so"))
         |> Array.find File.Exists)

let private sum (path: string) = Convert.ToHexString(SHA256.HashData(File.ReadAllBytes path))

let private linux name body =
    if OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture = Architecture.X64 then
        testCase name body
    else
        ptestCase name body

/// The command line refuses a folder that MODNET_LIBTORCH names.
let private refuses (folder: string) (parts: string list) =
    refusedWith [ "MODNET_LIBTORCH", folder ] 1 [ "demo" ] ("MODNET_LIBTORCH" :: parts)

[<Tests>]
let versions =
    testList "libtorch, old distributions" [
        linux "the copy differs from the library in one flag, that of a version which only the marker refers to"
        <| fun () ->
            let before = File.ReadAllBytes original.Value

            match needOf before with
            | None -> Expect.equal (VersionNeed.IsWeak before) (Nullable()) "nothing to relax, and it says so"
            | Some(file, _, at, flags, index) ->
                Expect.equal file "libstdc++.so.6" "who is asked"
                Expect.equal (VersionNeed.IsWeak before) (Nullable false) "a strong need, as it is"

                let users = [
                    for name, version in Elf(before).Symbols do
                        if (int (BitConverter.ToUInt16(before, version)) &&& 0x7fff) = index then name
                ]

                Expect.equal users [ VersionNeed.Marker ] "nothing else refers to it"
                let after = Array.copy before
                Expect.isTrue (VersionNeed.Relax(after.AsSpan())) "relaxed"
                Expect.equal (VersionNeed.IsWeak after) (Nullable true) "weak now"

                let changed = [
                    for i in 0 .. before.Length - 1 do
                        if before[i] <> after[i] then i
                ]

                Expect.equal changed [ at ] "one byte"
                Expect.equal (int after[at]) (flags ||| 2) "VER_FLG_WEAK"
                let again = Array.copy after
                Expect.isTrue (VersionNeed.Relax(again.AsSpan())) "a second time"
                Expect.equal again after "changes nothing more"

        linux "a library whose code refers to the version is left as it is"
        <| fun () ->
            let image = File.ReadAllBytes original.Value

            match needOf image with
            | None -> ()
            | Some(_, _, _, _, index) ->
                let other =
                    Elf(image).Symbols
                    |> List.find (fun (name, version) ->
                        name.StartsWith "_ZNSt" && BitConverter.ToUInt16(image, version) > 1us)

                BitConverter.TryWriteBytes(image.AsSpan(snd other), uint16 index) |> ignore
                let before = Array.copy image
                Expect.isFalse (VersionNeed.Relax(image.AsSpan())) $"{fst other} needs it"
                Expect.equal image before "untouched"

        linux "other files are left as they are"
        <| fun () ->
            for image in
                [ [||]; Encoding.ASCII.GetBytes "\u007fELF"; File.ReadAllBytes typeof<Libtorch>.Assembly.Location ] do
                let before = Array.copy image
                Expect.isFalse (VersionNeed.Relax(image.AsSpan())) "nothing to relax"
                Expect.equal image before "untouched"

        linux "the package cache stays as it is; the copy lies in the user's cache, and only where it is needed"
        <| fun () ->
            let before = sum original.Value
            let copy = VersionNeed.Relax original.Value
            Expect.equal (sum original.Value) before "the package's file"

            if not (isNull copy) then
                Expect.notEqual copy original.Value "another file"
                Expect.equal (VersionNeed.IsWeak(File.ReadAllBytes copy)) (Nullable true) "relaxed"

            Libtorch.Load()
            let loaded = Libtorch.Loaded
            Expect.equal loaded.BindingPath (if loaded.IsRelaxed then copy else original.Value) "what is loaded"

            Expect.equal
                loaded.Version
                (System.Version(Libtorch.Expected.ToString 3))
                "libtorch's own word on its version"
    ]

[<Tests>]
let folders =
    testSequenced
    <| testList "libtorch, where it lies" [
        test "no output folder holds a copy of it" {
            let copies =
                Directory.EnumerateFiles(Path.Combine(root, "artifacts", "bin"), "*", SearchOption.AllDirectories)
                |> Seq.filter (fun file ->
                    Regex.IsMatch(
                        Path.GetFileName file,
                        @"^(lib)?(torch_cpu|torch|LibTorchSharp|c10)\.(so|dll|dylib)$"
                    ))
                |> List.ofSeq

            if Environment.GetEnvironmentVariable "MODNET_TORCH" <> "cuda" then
                Expect.isEmpty copies "once on the disk, in the package cache"
        }

        test "doctor says which TorchSharp and libtorch run, and from where" {
            let code, output, errors = modnet [ "doctor" ]
            Expect.equal code 0 errors
            Libtorch.Load()
            Expect.stringContains output Libtorch.TorchSharpVersion "TorchSharp"
            Expect.stringContains output (Libtorch.Loaded.Version.ToString()) "libtorch"
            Expect.stringContains output Libtorch.Loaded.Folder "the folder"
        }

        test "a build that is none" {
            let code, _, errors = run root "bash" [ Path.Combine(root, "modnet"); "doctor" ] [ "MODNET_TORCH", "rocm" ]

            Expect.equal code 1 errors
            Expect.stringContains errors "MODNET_TORCH=rocm: expected cpu or cuda" "the message"
        }

        test "a folder that is not there" { refuses "/nonexistent" [ "/nonexistent"; "no such folder"; "unset" ] }

        test "a folder without libtorch" {
            inDirectory (fun folder -> refuses folder [ folder; "libtorch_cpu.so"; "no such file"; "unset" ])
        }

        linux "a file that is no library"
        <| fun () ->
            inDirectory (fun folder ->
                write folder "libtorch_cpu.so" "nothing" |> ignore
                refuses folder [ folder; "torch_cpu"; "a library that loads" ])

        linux "a libtorch of another version"
        <| fun () ->
            // A library that loads and does not know the function that tells libtorch's version, as none before 2.0 does.
            let some =
                File.ReadLines "/proc/self/maps"
                |> Seq.pick (fun line ->
                    let path = Regex.Match(line, @"/\S*/libm\.so\.6$").Value
                    if path = "" then None else Some path)

            inDirectory (fun folder ->
                let lib = Directory.CreateDirectory(Path.Combine(folder, "lib")).FullName
                File.Copy(some, Path.Combine(lib, "libtorch_cpu.so"))

                refuses folder [ lib; Libtorch.Expected.ToString 2; Libtorch.TorchSharpVersion; "an older one" ])

        linux "another folder with the right libtorch is taken, its libraries before the packages'"
        <| fun () ->
            inDirectory (fun folder ->
                Libtorch.Load()
                let lib = Directory.CreateDirectory(Path.Combine(folder, "lib")).FullName

                for file in Directory.GetFiles Libtorch.Loaded.Folder do
                    File.CreateSymbolicLink(Path.Combine(lib, Path.GetFileName file), file) |> ignore

                let code, output, errors = modnetWith [ "MODNET_LIBTORCH", folder ] [ "doctor" ]
                let said = output + errors
                Expect.equal code 0 said
                Expect.stringContains said lib "the folder"
                Expect.stringContains said "MODNET_LIBTORCH" "who named it")
    ]
