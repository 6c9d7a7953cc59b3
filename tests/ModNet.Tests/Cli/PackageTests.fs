/// The NuGet packages that `./modnet pack` makes, used from outside the repository as their users do.
module ModNet.Tests.PackageTests

open System
open System.IO
open System.IO.Compression
open System.Reflection.Metadata
open System.Reflection.PortableExecutable
open System.Text.RegularExpressions
open System.Xml.Linq
open Expecto
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
        ]

    code, output + errors

let private cache =
    match Environment.GetEnvironmentVariable "NUGET_PACKAGES" with
    | null
    | "" -> Path.Combine(Environment.GetFolderPath Environment.SpecialFolder.UserProfile, ".nuget", "packages")
    | named -> named

let private names = [ "ModNet.Runtime"; "ModNet.Language"; "ModNet.Figures"; "ModNet"; "ModNet.Generators" ]

/// The packages, made once, of a version that only this run of the tests knows; and no trace of them in the package cache afterwards.
let private withPackages (action: string -> string -> unit) =
    inDirectory
    <| fun folder ->
        let version = $"0.0.1-test{DateTime.UtcNow:yyyyMMddHHmmss}"
        let feed = Path.Combine(folder, "feed")

        try
            let code, said = run folder "bash" [ Path.Combine(root, "modnet"); "pack"; feed; "--version"; version ]

            Expect.equal code 0 said
            action feed version
        finally
            for name in names do
                let kept = Path.Combine(cache, name.ToLowerInvariant(), version)

                if Directory.Exists kept then Directory.Delete(kept, true)

let private carriesItsSymbols (dll: ZipArchiveEntry) =
    use stream = new MemoryStream()

    do
        use packed = dll.Open()
        packed.CopyTo stream

    use reader = new PEReader(new MemoryStream(stream.ToArray()))

    reader.ReadDebugDirectory()
    |> Seq.exists (fun entry -> entry.Type = DebugDirectoryEntryType.EmbeddedPortablePdb)

let private contents feed version (name: string) (assemblies: string list) (dependencies: string list) =
    use package = ZipFile.OpenRead(Path.Combine(feed, $"{name}.{version}.nupkg"))
    let entries = [ for entry in package.Entries -> entry.FullName ]
    Expect.contains entries "README.md" $"{name}: a readme"

    for assembly in assemblies do
        Expect.contains entries $"lib/net10.0/{assembly}.dll" name
        Expect.isTrue (carriesItsSymbols (package.GetEntry $"lib/net10.0/{assembly}.dll")) $"{assembly}: symbols"

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

let private project version libtorch =
    $"""<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <NuGetAudit>false</NuGetAudit>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="ModNet.Runtime" Version="{version}" />
    <PackageReference Include="{libtorch}" Version="{Libtorch.Expected.ToString 3}" />
  </ItemGroup>
</Project>
"""

[<Tests>]
let tests =
    testSequenced
    <| testList "packages" [
        test "the packages, used by a script anywhere and by a C# program outside the repository" {
            withPackages
            <| fun feed version ->
                contents feed version "ModNet.Runtime" [ "ModNet.Runtime"; "ModNet.Kernels" ] [
                    "CsvHelper"
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
                let package = libtorchPackage ()

                inDirectory
                <| fun folder ->
                    write folder "mine.fsx" (script feed version package) |> ignore
                    let code, said = run folder "dotnet" [ "fsi"; "mine.fsx"; "train" ]
                    Expect.equal code 0 said
                    Expect.isTrue (File.Exists(Path.Combine(folder, "runs", "toy", "summary.json"))) said

                inDirectory
                <| fun folder ->
                    write folder "mine.csproj" (project version package) |> ignore

                    write folder "Program.cs" (example "csharp" [ "src"; "Runtime"; "README.md" ]) |> ignore

                    let code, said =
                        run folder "dotnet" [
                            "build"
                            "-nologo"
                            "-v:q"
                            "--source"
                            feed
                            "-p:UseSharedCompilation=false"
                        ]

                    Expect.equal code 0 said

                    let code, said = run folder "dotnet" [ Path.Combine("bin", "Debug", "net10.0", "mine.dll") ]

                    Expect.equal code 0 said
                    let numbers = Regex.Match(said, @"datapoint: (\S+) before training, (\S+) after")
                    Expect.isTrue numbers.Success said
                    Expect.isGreaterThan (float numbers.Groups[2].Value) (float numbers.Groups[1].Value) "it learns"
        }

        test "options of pack that are none" {
            for words, expected in [ [ "--version"; "one" ], "0.2.0"; [ "--versoin" ], "unknown option --versoin" ] do
                let code, said = run root "bash" (Path.Combine(root, "modnet") :: "pack" :: words)
                Expect.notEqual code 0 said
                Expect.stringContains said expected "what to say instead"
        }
    ]
