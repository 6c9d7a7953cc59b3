namespace ModNet.Cli

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Reflection
open System.Reflection.Metadata
open System.Reflection.PortableExecutable
open System.Security.Cryptography
open System.Text
open ModNet.Runtime

/// A script that was compiled once, so that it starts without the F# compiler. It is known by all that it was compiled from; where any of that is another,
/// so is the compiled script. A script is compiled after F# Interactive has run it, for the next time.
type CompiledScript = {
    /// What it was compiled from, as a digest.
    Key: string
    /// The folder that has it, or gets it.
    Folder: string
    /// The command line that lies beside the ModNet that the script refers to.
    Host: string
    /// Where assemblies are looked for that are not beside the host.
    Elsewhere: string list
}

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module CompiledScript =

    /// The environment variable that names the folder of compiled scripts. `off` has every script run by F# Interactive.
    let variable = "MODNET_SCRIPTS"

    /// The words by which the host is asked to run a compiled script, and to compile one.
    let runWord, keepWord = "--compiled-script", "--compile-script"

    // How many are kept; those that were used last stay.
    let private most = 100

    let private assemblyName = "script.dll"

    // Has the value `fsi`.
    let private settings = "FSharp.Compiler.Interactive.Settings.dll"

    // Where a script runs with F# Interactive only: what the compiler says of it has to be said every time.
    let private refusal = "refused"

    let private home () : string option =
        match Environment.GetEnvironmentVariable variable with
        | "off" -> None
        | null
        | "" -> Some(Path.Combine(UserCache.Folder(), "scripts"))
        | folder -> Some(Path.GetFullPath folder)

    /// The number that a compiler gives an assembly, from its content.
    let private identity (path: string) : Guid =
        use file = new PEReader(File.OpenRead path)
        let metadata = file.GetMetadataReader()
        metadata.GetGuid(metadata.GetModuleDefinition().Mvid)

    let private key (script: string) (parts: ScriptParts) (host: string) : string =
        use digest = IncrementalHash.CreateHash HashAlgorithmName.SHA256
        let add (text: string) = digest.AppendData(Encoding.UTF8.GetBytes $"{text.Length} {text}\n")
        add script

        for source in parts.Sources do
            add source
            digest.AppendData(SHA256.HashData(File.ReadAllBytes source))

        for reference in Path.Combine(Path.GetDirectoryName host, "FSharp.Core.dll") :: host :: parts.References do
            add $"{reference} {identity reference}"

        Sdk.choice () |> List.iter add
        Convert.ToHexStringLower(digest.GetHashAndReset())[..31]

    /// The compiled script, which may be there or not. None where a script cannot be compiled to the same, or refers to no ModNet of a clone.
    let ofScript (script: string) : CompiledScript option =
        try
            match home (), ScriptParts.ofScript script with
            | Some home, Some parts ->
                let folders = parts.References |> List.map Path.GetDirectoryName |> List.distinct

                let host =
                    parts.References
                    |> List.tryFind (fun path -> Path.GetFileName path = "ModNet.Lab.dll")
                    |> Option.map (fun lab -> Path.Combine(Path.GetDirectoryName lab, "ModNet.Cli.dll"))
                    |> Option.filter File.Exists

                host
                |> Option.map (fun host ->
                    let key = key script parts host

                    {
                        Key = key
                        Folder = Path.Combine(home, key)
                        Host = host
                        Elsewhere = folders |> List.except [ Path.GetDirectoryName host ]
                    })
            | _ -> None
        with
        | :? IOException
        | :? UnauthorizedAccessException
        | :? BadImageFormatException -> None

    let private assembly (compiled: CompiledScript) = Path.Combine(compiled.Folder, assemblyName)

    /// Whether it is there. Then it counts as used now.
    let isThere (compiled: CompiledScript) : bool =
        let found = File.Exists(assembly compiled)

        try
            if found then Directory.SetLastWriteTimeUtc(compiled.Folder, DateTime.UtcNow)
        with
        | :? IOException
        | :? UnauthorizedAccessException -> ()

        found

    /// The words after `dotnet` that run it as F# Interactive would run the script with these words.
    let words (compiled: CompiledScript) (script: string) (words: string list) : string list =
        let elsewhere = String.Join(Path.PathSeparator, compiled.Elsewhere)
        compiled.Host :: runWord :: assembly compiled :: elsewhere :: script :: words

    /// Has a process of low priority compile the script. Nobody waits for it, and it says nothing.
    let compileLater (compiled: CompiledScript) (script: string) : unit =
        if not (Directory.Exists compiled.Folder) then
            let start =
                ProcessStartInfo(
                    Environment.ProcessPath,
                    [ compiled.Host; keepWord; compiled.Key; script ],
                    // Not this process's own, which someone may read to its end.
                    RedirectStandardInput = true,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true
                )

            use _begun = Process.Start start
            ()

    let private compile (compiler: string) (host: string) (script: string) (target: string) : bool =
        let start =
            ProcessStartInfo(
                Environment.ProcessPath,
                [
                    Path.Combine(compiler, "fsc.dll")
                    "--nologo"
                    "--targetprofile:netcore"
                    "--target:exe"
                    "--define:INTERACTIVE"
                    "--optimize+"
                    "--debug:embedded"
                    "--nocopyfsharpcore"
                    $"-r:{compiler}/{settings}"
                    $"-o:{target}"
                    script
                ]
            )

        start.Environment["DOTNET_gcServer"] <- "0"

        match OtherProgram.Ask start |> Option.ofNullable with
        | Some(struct (0, output, errors)) -> (output + errors).Trim() = ""
        | _ -> false

    // The runtime loads no assembly that was compiled against a later FSharp.Core than the one that is there.
    let private suits (host: string) (target: string) : bool =
        let core = AssemblyName.GetAssemblyName(Path.Combine(Path.GetDirectoryName host, "FSharp.Core.dll"))
        use file = new PEReader(File.OpenRead target)
        let metadata = file.GetMetadataReader()

        metadata.AssemblyReferences
        |> Seq.map metadata.GetAssemblyReference
        |> Seq.forall (fun found -> metadata.GetString found.Name <> core.Name || found.Version <= core.Version)

    let private forgetOldest (home: string) : unit =
        let found = DirectoryInfo(home).GetDirectories() |> Array.sortByDescending _.LastWriteTimeUtc
        let isUnfinished (folder: DirectoryInfo) = folder.Name.Contains '.'
        let yesterday = DateTime.UtcNow.AddDays -1.0
        let abandoned = found |> Array.filter (fun folder -> isUnfinished folder && folder.LastWriteTimeUtc < yesterday)
        let over = found |> Array.filter (isUnfinished >> not)

        for folder in Array.append abandoned (if over.Length > most then over[most..] else [||]) do
            folder.Delete true

    /// Compiles the script with this key, unless another process is at it or the script has changed since. What the compiler says nothing about is kept;
    /// of other scripts it is kept that they have to be run by F# Interactive.
    let keep (key: string) (script: string) : unit =
        try
            Process.GetCurrentProcess().PriorityClass <- ProcessPriorityClass.Idle

            match ofScript script, Sdk.compiler () with
            | Some compiled, Some compiler when compiled.Key = key && not (Directory.Exists compiled.Folder) ->
                let home = Path.GetDirectoryName compiled.Folder
                Directory.CreateDirectory home |> ignore

                match FileLock.TryTake($"{compiled.Folder}.lock", removes = true) with
                | null -> ()
                | held ->
                    use _held = held
                    use unfinished = new UnfinishedPath(compiled.Folder)
                    Directory.CreateDirectory unfinished.Path |> ignore
                    let target = Path.Combine(unfinished.Path, assemblyName)

                    if compile compiler compiled.Host script target && suits compiled.Host target then
                        File.Copy(Path.Combine(compiler, settings), Path.Combine(unfinished.Path, settings))
                    else
                        File.Delete target
                        File.WriteAllText(Path.Combine(unfinished.Path, refusal), "")

                    // What was compiled is what the key says only where nothing has changed meanwhile.
                    if (ofScript script |> Option.map _.Key) = Some key && not (Directory.Exists compiled.Folder) then
                        Directory.Move(unfinished.Path, compiled.Folder)

                    forgetOldest home
            | _ -> ()
        with
        // Nobody waits for it; the script runs without.
        | :? IOException
        | :? UnauthorizedAccessException
        | :? UserException -> ()
