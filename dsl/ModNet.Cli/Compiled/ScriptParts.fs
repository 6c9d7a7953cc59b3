namespace ModNet.Cli

open System
open System.IO
open System.Text.RegularExpressions

/// What a script is made of.
type ScriptParts = {
    /// The full paths of the script and of all that it loads, the script first.
    Sources: string list
    /// The full paths of the assemblies that it refers to.
    References: string list
}

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module ScriptParts =

    let private directive = Regex(@"^[ \t]*#([a-zA-Z]+)[ \t]*(.*)$", RegexOptions.Multiline)

    let private paths =
        Regex
            @"^(?:[ \t]*(?:@""(?<path>[^""]+)""|""""""(?<path>[^""]+)""""""|""(?<path>[^""\\]+)""))+[ \t]*(?://.*)?\r?$"

    // Words by which code tells whether F# Interactive runs it, or that mean something else where it does.
    let private telling =
        Regex
            @"\b(COMPILED|EntryPoint|GetCommandLineArgs|GetEntryAssembly|GetExecutingAssembly)\b|\bfsi\b(?!\.CommandLineArgs\b)"

    let private comment = Regex(@"^[ \t]*//.*$", RegexOptions.Multiline)

    // The values of a loaded file are computed by a static constructor: for what they leave to other threads, those values are locked until all are there.
    let private threads =
        Regex
            @"\b(Parallel|AsParallel|PSeq|Tasks?|task|backgroundTask|async|Async|Thread|ThreadPool|Timer|MailboxProcessor)\b"

    let private named (folder: string) (rest: string) : string list option =
        let found = paths.Match rest

        if found.Success then
            Some [ for path in found.Groups["path"].Captures -> Path.GetFullPath(Path.Combine(folder, path.Value)) ]
        else
            None

    // None in place of the first that is None.
    let private both (first: ScriptParts option) (next: ScriptParts -> ScriptParts option) = Option.bind next first

    let rec private add (isLoaded: bool) (parts: ScriptParts option) (path: string) : ScriptParts option =
        both parts (fun parts ->
            if List.contains path parts.Sources then
                Some parts
            elif not (File.Exists path) then
                None
            else
                let text = comment.Replace(File.ReadAllText path, "")
                let folder = Path.GetDirectoryName path

                if telling.IsMatch text || isLoaded && threads.IsMatch text then
                    None
                else
                    (Some { parts with Sources = parts.Sources @ [ path ] }, directive.Matches text)
                    ||> Seq.fold (fun parts found ->
                        both parts (fun parts ->
                            match found.Groups[1].Value, named folder found.Groups[2].Value with
                            | ("if" | "else" | "endif" | "nowarn"), _ -> Some parts
                            | "load", Some paths -> List.fold (add true) (Some parts) paths
                            | "r", Some paths when List.forall File.Exists paths ->
                                Some { parts with References = List.distinct (parts.References @ paths) }
                            | _ -> None)))

    /// What the script at a path is made of. None where compiled code would not do the same as F# Interactive, and where that cannot be told by its
    /// words: packages of NuGet, other directives than those that name files and conditions, `fsi` for more than its arguments, threads in loaded files.
    let ofScript (path: string) : ScriptParts option =
        try
            add false (Some { Sources = []; References = [] }) (Path.GetFullPath path)
        with
        | :? IOException
        | :? UnauthorizedAccessException -> None
