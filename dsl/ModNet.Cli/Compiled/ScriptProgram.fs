namespace ModNet.Cli

open System
open System.IO
open System.Reflection
open System.Runtime.Loader
open ModNet

/// Runs a compiled script in this process, as F# Interactive would run the script.
[<RequireQualifiedAccess>]
module ScriptProgram =

    let private settings = "FSharp.Compiler.Interactive.Settings"

    // The value `fsi`, of which scripts have the words of their command line.
    let private tell (script: Assembly) (words: string array) : unit =
        if script.GetReferencedAssemblies() |> Array.exists (fun found -> found.Name = settings) then
            let loaded = AssemblyLoadContext.Default.LoadFromAssemblyName(AssemblyName settings)
            let fsi = loaded.GetType(settings).GetProperty("fsi").GetValue null
            fsi.GetType().GetProperty("CommandLineArgs").SetValue(fsi, words)

    /// Runs the assembly at a path; `elsewhere` are the folders of other assemblies. The first of the words is the script as the command line named it.
    /// The exit code is 1 where an exception ends it, which is then told as F# Interactive tells it.
    let run (path: string) (elsewhere: string) (words: string array) : int =
        let folders = Path.GetDirectoryName path :: List.ofArray (elsewhere.Split Path.PathSeparator)

        AssemblyLoadContext.Default.add_Resolving (fun context asked ->
            folders
            |> Seq.map (fun folder -> Path.Combine(folder, $"{asked.Name}.dll"))
            |> Seq.tryFind File.Exists
            |> Option.map context.LoadFromAssemblyPath
            |> Option.toObj)

        let script = AssemblyLoadContext.Default.LoadFromAssemblyPath path
        tell script words
        let main = script.EntryPoint.CreateDelegate<Action>()

        // What a loaded file's values throw comes wrapped, since they are computed by a static constructor.
        let rec thrown (error: exn) =
            match error with
            | :? TypeInitializationException as wrapping when wrapping.TypeName.StartsWith "<StartupCode$" ->
                thrown wrapping.InnerException
            | error -> error

        try
            main.Invoke()
            CommandLine.Exit.ok
        with error ->
            // The frame of this very function is nothing to the user.
            let isOfScript (line: string) = not (line.Contains "at ModNet.Cli.ScriptProgram.")
            let told = (string (thrown error)).Split '\n' |> Array.filter isOfScript |> String.concat "\n"
            eprintfn $"{told}"
            eprintfn "Stopped due to error"
            CommandLine.Exit.failure
