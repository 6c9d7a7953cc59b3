namespace ModNet

open System.IO
open System.Reflection
open ModNet.Runtime

/// The commit of the code that runs.
type Commit = {
    Hash: string
    /// Whether the sources differ from the commit.
    Dirty: bool
}

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module internal Commit =

    let private git (words: string list) : string option =
        let here = Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location)

        match OtherProgram.Ask("git", [| "-C"; here; yield! words |]) |> Option.ofNullable with
        | Some(struct (0, output, _)) -> Some(output.Trim())
        | _ -> None

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
