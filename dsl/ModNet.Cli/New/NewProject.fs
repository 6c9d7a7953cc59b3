namespace ModNet.Cli

open System
open System.Diagnostics
open System.IO
open System.Text.RegularExpressions
open ModNet.Runtime

/// A project outside the clone, on ModNet's packages, with a test.
[<RequireQualifiedAccess>]
module NewProject =

    /// The version of a package as the clone has it.
    let private locked (package: string) : string =
        let text = File.ReadAllText(Path.Combine(CloneFolder.root, "paket.lock"))
        Regex.Match(text, $@"^    {Regex.Escape package} \(([^)]+)\)", RegexOptions.Multiline).Groups[1].Value

    let private libtorch = "libtorch-cpu-linux-x64"

    // A package cache keeps what it once got under a version, so that every project needs versions of its own.
    let private version () =
        let time = DateTime.UtcNow.ToString("yyyyMMddHHmmss", Globalization.CultureInfo.InvariantCulture)
        $"0.1.0-local.{time}"

    let private files (isCSharp: bool) (name: string) =
        if isCSharp then
            [
                $"{name}.csproj", "csharp.project"
                "Model.cs", "csharp.Model.cs"
                "Program.cs", "csharp.Program.cs"
                "tests/Tests.csproj", "csharp.tests.project"
                "tests/Tests.cs", "csharp.Tests.cs"
            ]
        else
            [
                $"{name}.fsproj", "fsharp.project"
                "Model.fs", "fsharp.Model.fs"
                "Program.fs", "fsharp.Program.fs"
                "tests/Tests.fsproj", "fsharp.tests.project"
                "tests/Tests.fs", "fsharp.Tests.fs"
            ]

    let private pack (folder: string) (version: string) : unit =
        let command = Path.Combine(CloneFolder.root, "modnet")
        let start = ProcessStartInfo command

        for word in [ "pack"; folder; "--version"; version ] do
            start.ArgumentList.Add word

        use packing = Process.Start start
        packing.WaitForExit()

        if packing.ExitCode <> 0 then
            raise (
                UserException $"{folder}: the packages could not be made – mend what is named above, then start again"
            )

    let private leavingNothing (folder: string) (write: unit -> unit) : unit =
        try
            write ()
        with _ ->
            if Directory.Exists folder then Directory.Delete(folder, true)
            reraise ()

    /// What to type in the project's folder, in order.
    let commands (isCSharp: bool) : string list = [
        (if isCSharp then "dotnet run" else "dotnet run -- train")
        "dotnet run --project tests"
    ]

    /// Writes the project into a new folder, on packages of this version in a folder, which `nuget.config` names as it is given. Nothing is
    /// left of a project that could not be made.
    let internal writeOn (packages: string) (version: string) (folder: string) (isCSharp: bool) : unit =
        let name = Path.GetFileName folder

        let values = [
            "name", name
            "packages", packages
            "version", version
            "libtorch", libtorch
            "libtorch_version", locked libtorch
            "expecto", locked "Expecto"
            "fsharp_core", locked "FSharp.Core"
            "commands", commands isCSharp |> String.concat "\n"
        ]

        leavingNothing folder
        <| fun () ->
            for file, template in ("nuget.config", "nuget.config") :: ("README.md", "readme") :: files isCSharp name do
                let path = Path.Combine(folder, file)
                Directory.CreateDirectory(Path.GetDirectoryName path) |> ignore
                File.WriteAllText(path, Template.fill template values)

    /// Writes the project into a new folder, with the packages in it. Nothing is left of a project that could not be made.
    let write (folder: string) (isCSharp: bool) : unit =
        let version = version ()

        leavingNothing folder
        <| fun () ->
            writeOn "packages" version folder isCSharp
            pack (Path.Combine(folder, "packages")) version
