namespace ModNet

open System
open System.IO
open ModNet.Runtime

/// Writes drawings of networks to files; the ending of the name decides the format.
[<RequireQualifiedAccess>]
module DrawingFile =

    // A comment in Mermaid's language.
    let private markOfMermaid = "%% a network, drawn by ModNet"

    let private marked (text: string) = $"{markOfMermaid}\n{text}"

    /// In the beginning of every drawing, as SVG and as Mermaid.
    let internal marks: string list = [ "aria-label=\"The network"; markOfMermaid ]

    let private renderings = [ ".svg", Network.to_svg; ".mmd", Network.to_mermaid >> Result.map marked ]

    let private tryRendering (path: string) =
        renderings
        |> List.tryFind (fun (ending, _) -> path.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
        |> Option.map snd

    /// What the names of drawings may end in.
    let internal endings: string list = List.map fst renderings

    /// Whether the name ends in `.svg` or `.mmd`.
    let isKnown (path: string) = (tryRendering path).IsSome

    /// Writes the drawing of a sound network whole; raises UserException for a name that ends otherwise, or where the file
    /// cannot be.
    let write (network: Network) (path: string) : unit =
        match tryRendering path with
        | None ->
            Refusal.refuse path "a file name that ends in .svg or .mmd" (Path.GetFileName path) "name it otherwise"
        | Some render ->
            let text = render network |> Refusal.orRaise

            WholeFile.Write(path, text)
