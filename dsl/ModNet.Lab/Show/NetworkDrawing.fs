namespace ModNet

open ModNet.Pictures

/// Networks as drawings. (A module of its own, since C# finds two classes of one name in one namespace ambiguous.)
[<AutoOpen>]
module NetworkDrawing =

    /// Networks as drawings.
    [<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
    module Network =

        let private drawn render (network: Network) = Check.plan network |> Result.map (Sketching.ofPlan >> render)

        /// A drawing of the network as SVG text: the layers in order with their shapes, what modular layers choose and how, and
        /// every shared pool once, with a line from each layer that uses it. For a network that is not sound, all that is wrong with it.
        /// Example: `Network.to_svg lm`
        let to_svg (network: Network) : Result<string, Diagnostic list> =
            drawn (Layout.ofSketch >> Svg.ofPicture) network

        /// The same drawing as a Mermaid flowchart, which wikis and code hosts show in place.
        /// Example: `Network.to_mermaid lm`
        let to_mermaid (network: Network) : Result<string, Diagnostic list> = drawn Mermaid.ofSketch network
