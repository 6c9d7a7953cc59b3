namespace ModNet

open System.Globalization
open ModNet.Figures
open ModNet.Runtime

/// A page about the communities of a graph.
[<RequireQualifiedAccess>]
module StructurePage =

    let private number (value: float) =
        if System.Double.IsNaN value then "–" else value.ToString("F3", CultureInfo.InvariantCulture)

    let private table (communities: Communities) =
        let participation = Structure.participation communities

        Content.Searchable(
            [ "node"; "group"; "community"; "links"; "strength"; "participation" ],
            [
                for node in StructureFigure.order communities ->
                    [
                        communities.Graph.Names[node]
                        communities.Graph.Groups[node]
                        string communities.Of[node]
                        string (communities.Graph.Degree node)
                        number (communities.Graph.Strength node)
                        number participation[node]
                    ]
            ]
        )

    /// The page of `write`, with more sections behind its pictures.
    let internal writeWith
        (more: Section list)
        (path: string)
        (title: string)
        (communities: Communities)
        (against: AgainstRewired)
        : unit =
        Report.write path {
            Report.Title = title
            Summary = [
                "nodes", Numbers.grouped (int64 communities.Graph.Count)
                "links", Numbers.grouped (int64 communities.Graph.Links.Count)
                "communities", Numbers.grouped (int64 communities.Count)
                "modularity Q", number (Structure.modularity communities)
                "Q of random graphs", $"{number against.Mean} ± {number against.Deviation}"
                "z", number against.Z
            ]
            Command = None
            Sections = [
                Section.figure
                    "Links"
                    "The weights of all links. Nodes stand in the order of their communities, the largest first, so that each is a square on the diagonal."
                    (StructureFigure.matrix communities)
                Section.figure
                    "Modularity"
                    "Q of the graph's communities, and of those of random graphs in which each node has as many links."
                    (StructureFigure.rewired "modularity Q" against)
                yield! more
                Section.make "Nodes" [ table communities ]
            ]
            Spec = None
            Files = []
        }

    /// Writes a page: the graph's matrix in the order of its communities, its modularity beside that of the random graphs, and a table of all nodes.
    /// Example: `StructurePage.write "structure.html" "Routing of mnist" (Structure.communities graph) (Structure.against_rewired 100 1 graph)`
    let write (path: string) (title: string) (communities: Communities) (against: AgainstRewired) : unit =
        writeWith [] path title communities against
