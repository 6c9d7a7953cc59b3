namespace ModNet

open System
open System.ComponentModel
open System.Diagnostics
open System.IO
open System.Reflection

/// The commit of the code that runs.
type Commit = {
    Hash: string
    /// Whether the sources differ from the commit.
    Dirty: bool
}

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module internal Commit =

    let private git (words: string list) : string option =
        let start = ProcessStartInfo("git", RedirectStandardOutput = true, RedirectStandardError = true)

        let here = Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location)

        for word in [ "-C"; here ] @ words do
            start.ArgumentList.Add word

        try
            use running = Process.Start start
            let errors = running.StandardError.ReadToEndAsync()
            let output = running.StandardOutput.ReadToEnd()
            running.WaitForExit()
            errors.Wait()
            if running.ExitCode = 0 then Some(output.Trim()) else None
        with :? Win32Exception ->
            None

    // Studies themselves write notebooks/results, docs/results.md and README.md, so a change of those is not a change of the sources.
    let private sources = [ ":(top)src"; ":(top)dsl"; ":(top)notebooks"; ":(top,exclude)notebooks/results" ]

    /// None where there is no git, or no repository around the program.
    let current () : Commit option =
        git [ "rev-parse"; "HEAD" ]
        |> Option.map (fun hash -> {
            Hash = hash
            Dirty =
                git ([ "status"; "--porcelain"; "--untracked-files=no"; "--" ] @ sources)
                |> Option.exists (fun changes -> changes <> "")
        })
