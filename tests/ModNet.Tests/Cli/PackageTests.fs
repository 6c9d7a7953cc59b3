/// The NuGet packages that `./modnet pack` makes, used from outside the repository as their users do.
module ModNet.Tests.PackageTests

open System
open System.IO
open System.IO.Compression
open System.Reflection.Metadata
open System.Reflection.PortableExecutable
open System.Security.Cryptography
open System.Text.RegularExpressions
open System.Xml.Linq
open Expecto
open ModNet.Cli
open ModNet.Runtime
open ModNet.Tests.Clone

/// Runs a command in a folder: exit code, and all that it says.
let private run folder command words =
    let code, output, errors =
        Clone.run folder command words [
            "DOTNET_NOLOGO", "1"
            "DOTNET_CLI_TELEMETRY_OPTOUT", "1"
            "MSBUILDDISABLENODEREUSE", "1"
            "DOTNET_CLI_USE_MSBUILD_SERVER", "0"
            "UseSharedCompilation", "false"
        ]

    code, output + errors

let private cache =
    match Environment.GetEnvironmentVariable "NUGET_PACKAGES" with
    | null
    | "" -> Path.Combine(Environment.GetFolderPath Environment.SpecialFolder.UserProfile, ".nuget", "packages")
    | named -> named

let private names = [ "ModNet.Runtime"; "ModNet.Language"; "ModNet.Figures"; "ModNet"; "ModNet.Generators" ]

/// A version that no other clone's tests know, and that is another whenever something in the packages is: what was packed of the same sources before
/// need not be compiled again.
let private version () =
    use all = new MemoryStream()
    all.Write(Text.Encoding.UTF8.GetBytes root)

    for assembly in [ "Kernels"; "Runtime"; "Language"; "Figures"; "Lab"; "Generators" ] do
        all.Write(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, $"ModNet.{assembly}.dll")))

    let digest = Convert.ToHexStringLower(SHA256.HashData(all.ToArray()))
    $"0.0.1-test{digest[..11]}"

/// The packages, made once; and no trace of them in the package cache afterwards.
let private withPackages (action: string -> string -> unit) =
    inDirectory
    <| fun folder ->
        let version = version ()
        let feed = Path.Combine(folder, "feed")

        try
            let code, said = run folder "bash" [ Path.Combine(root, "modnet"); "pack"; feed; "--version"; version ]

            Expect.equal code 0 said
            action feed version
        finally
            for name in names do
                let kept = Path.Combine(cache, name.ToLowerInvariant(), version)

                if Directory.Exists kept then Directory.Delete(kept, true)

let private opened (dll: ZipArchiveEntry) =
    let stream = new MemoryStream()
    use packed = dll.Open()
    packed.CopyTo stream
    new PEReader(new MemoryStream(stream.ToArray()))

let private carriesItsSymbols (dll: ZipArchiveEntry) =
    use reader = opened dll

    reader.ReadDebugDirectory()
    |> Seq.exists (fun entry -> entry.Type = DebugDirectoryEntryType.EmbeddedPortablePdb)

/// The assemblies of ours that it was compiled against in another version than its own.
let private strangers (dll: ZipArchiveEntry) =
    use reader = opened dll
    let metadata = reader.GetMetadataReader()
    let own = metadata.GetAssemblyDefinition().Version

    [
        for handle in metadata.AssemblyReferences do
            let other = metadata.GetAssemblyReference handle
            let name = metadata.GetString other.Name

            if name.StartsWith("ModNet.", StringComparison.Ordinal) && other.Version <> own then
                $"{name} {other.Version}, not {own}"
    ]

let private contents feed version (name: string) (assemblies: string list) (dependencies: string list) =
    use package = ZipFile.OpenRead(Path.Combine(feed, $"{name}.{version}.nupkg"))
    let entries = [ for entry in package.Entries -> entry.FullName ]
    Expect.contains entries "README.md" $"{name}: a readme"

    for assembly in assemblies do
        Expect.contains entries $"lib/net10.0/{assembly}.dll" name
        let dll = package.GetEntry $"lib/net10.0/{assembly}.dll"
        Expect.isTrue (carriesItsSymbols dll) $"{assembly}: symbols"
        Expect.isEmpty (strangers dll) $"{assembly}: made of this version, whatever was packed before"

    Expect.contains entries $"lib/net10.0/{List.head assemblies}.xml" $"{name}: documentation"
    use nuspec = package.GetEntry($"{name}.nuspec").Open()
    let all = XDocument.Load(nuspec).Descendants() |> List.ofSeq

    let text element = all |> List.find (fun e -> e.Name.LocalName = element) |> _.Value

    Expect.equal (text "license") "MIT" "licence"
    Expect.equal (text "readme") "README.md" "readme"

    let asked = [
        for e in all do
            if e.Name.LocalName = "dependency" then e.Attribute(XName.Get "id").Value
    ]

    Expect.equal
        (List.sort asked)
        (List.sort dependencies)
        $"{name}: what our sources use themselves, and no native library"

/// The package that the libtorch of these tests comes from.
let private libtorchPackage () =
    let parts = Libtorch.Loaded.Folder.Split Path.DirectorySeparatorChar
    parts |> Array.find (fun part -> part.StartsWith "libtorch-cpu-")

/// The code block of a package's readme.
let private example (language: string) (readme: string list) =
    let text = File.ReadAllText(Path.Combine(Array.ofList (root :: readme)))
    Regex.Match(text, $"```{language}\n(.*?)```", RegexOptions.Singleline).Groups[1].Value

/// The readme's script, which finds the packages in a folder, in this version, and this machine's libtorch.
let private script feed version libtorch =
    let text = example "fsharp" [ "dsl"; "ModNet.Lab"; "README.md" ]

    let here = text.Replace("nuget: ModNet", $"nuget: ModNet, {version}").Replace("libtorch-cpu-linux-x64", libtorch)

    $"#i \"nuget: {feed}\"\n{here}"

/// The script of the readme trains, anywhere.
let private scriptTrains feed version =
    let package = libtorchPackage ()

    inDirectory
    <| fun folder ->
        write folder "mine.fsx" (script feed version package) |> ignore
        let code, said = run folder "dotnet" [ "fsi"; "mine.fsx"; "train" ]
        Expect.equal code 0 said
        Expect.isTrue (File.Exists(Path.Combine(folder, "runs", "toy", "summary.json"))) said

/// What `./modnet new --project` writes, on the packages, is a project whose test passes and whose program runs.
let private projectRuns
    feed
    version
    isCSharp
    (change: string -> unit)
    (words: string list)
    (look: string -> string -> unit)
    =
    inDirectory
    <| fun folder ->
        let folder = Path.Combine(folder, "mine")
        NewProject.writeOn feed version folder isCSharp
        change folder
        let code, said = run folder "dotnet" [ "run"; "--project"; "tests" ]
        Expect.equal code 0 said
        Expect.stringContains said "Success!" "Expecto's last line"
        Expect.isFalse (said.Contains "warning") said
        // The test's build made the program, too.
        let code, said = run folder "dotnet" ("run" :: "--no-build" :: words)
        Expect.equal code 0 said
        look folder said

let private fsharpRuns feed version =
    projectRuns feed version false ignore [ "--"; "train"; "--steps"; "30" ] (fun folder said ->
        Expect.isTrue (File.Exists(Path.Combine(folder, "runs", "mine", "report.html"))) said)

/// The program of the runtime's readme, as a method that the project's own program calls at its end.
let private addReadme (folder: string) =
    let openings, program =
        (example "csharp" [ "src"; "Runtime"; "README.md" ]).Split '\n'
        |> Array.partition (fun line ->
            line.StartsWith("using ", StringComparison.Ordinal) && line.EndsWith ';' && not (line.Contains '='))

    let lines = [| yield! openings; "public static class Readme { public static void Run() {"; yield! program; "} }" |]

    write folder "Readme.cs" (String.concat "\n" lines) |> ignore
    File.AppendAllText(Path.Combine(folder, "Program.cs"), "Readme.Run();\n")

let private csharpRuns feed version =
    projectRuns feed version true addReadme [] (fun _ said ->
        let learnt = Regex.Matches(said, @"datapoint: (\S+) before training, (\S+) after")
        Expect.equal learnt.Count 2 $"the project's program and the readme's: {said}"

        for numbers in learnt do
            Expect.isGreaterThan (float numbers.Groups[2].Value) (float numbers.Groups[1].Value) "it learns")

[<Tests>]
let tests =
    testSequenced
    <| testList "packages" [
        test "the packages, used by a script anywhere and by the projects of `new --project`, in F# and in C#" {
            withPackages
            <| fun feed version ->
                contents feed version "ModNet.Runtime" [ "ModNet.Runtime"; "ModNet.Kernels" ] [
                    "CsvHelper"
                    "Google.Protobuf"
                    "OnnxSharp"
                    "Parquet.Net"
                    "System.Numerics.Tensors"
                    "TorchSharp"
                ]

                contents feed version "ModNet.Language" [ "ModNet.Language" ] [ "FSharp.Core" ]
                contents feed version "ModNet.Figures" [ "ModNet.Figures" ] [ "FSharp.Core"; "Plotly.NET" ]

                contents feed version "ModNet" [ "ModNet.Lab" ] [
                    "FSharp.Core"
                    "ModNet.Figures"
                    "ModNet.Language"
                    "ModNet.Runtime"
                    "Spectre.Console"
                    "System.CommandLine"
                ]

                contents feed version "ModNet.Generators" [ "ModNet.Generators" ] [ "FSharp.Core"; "FsCheck"; "ModNet" ]
                Libtorch.Load()

                [| scriptTrains; fsharpRuns; csharpRuns |]
                |> Array.Parallel.iter (fun isUsable -> isUsable feed version)
        }

        test "options of pack that are none" {
            for words, expected in [ [ "--version"; "one" ], "0.2.0"; [ "--versoin" ], "unknown option --versoin" ] do
                let code, said = run root "bash" (Path.Combine(root, "modnet") :: "pack" :: words)
                Expect.notEqual code 0 said
                Expect.stringContains said expected "what to say instead"
        }
    ]
