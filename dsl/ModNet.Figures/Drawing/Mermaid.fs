namespace ModNet.Pictures

open System
open System.Text
open ModNet.Figures

/// A sketch as a Mermaid flowchart.
[<RequireQualifiedAccess>]
module internal Mermaid =

    let private isPlain (rune: Rune) =
        Rune.IsLetterOrDigit rune
        || (rune.IsAscii && " ()[],.:=+-*/_|>".Contains(rune.ToString()))
        || "·→–…×".Contains(rune.ToString())

    /// Text for a label in quotes. Characters that mean something to Mermaid or HTML are written by their numbers.
    let private escape (text: string) =
        let escaped = StringBuilder()

        for rune in text.EnumerateRunes() do
            if isPlain rune then escaped.Append(rune.ToString()) |> ignore
            elif rune.Value < 32 then escaped.Append ' ' |> ignore
            else escaped.Append($"#{rune.Value};") |> ignore

        string escaped

    let private quoted (lines: string list) =
        let said = lines |> List.map escape |> String.concat "<br/>"
        $"\"{said}\""

    /// The statements so far, and the next number. Edges come last, so that every node stands in the subgraph in which it was declared.
    type private Chart(pools: string list) =

        let nodes = ResizeArray<string>()
        let edges = ResizeArray<string>()
        let mutable count = 0
        let mutable depth = 1

        let indent () = String.replicate depth "    "

        let next (letter: string) =
            count <- count + 1
            letter + string count

        let poolId name = $"pool{1 + List.findIndex ((=) name) pools}"

        member _.Say(statement: string) = nodes.Add(indent () + statement)

        member _.Edge(from: string, arrow: string, target: string) = edges.Add $"    {from} {arrow} {target}"

        member _.Lines = List.ofSeq nodes @ List.ofSeq edges

        member private chart.Own(pool: PoolCard) = [
            match pool.Unit with
            | [ unit ] -> $"{pool.Modules} modules of {unit}"
            | units ->
                $"{pool.Modules} modules of"
                yield! units
            yield! Option.toList pool.Init
        ]

        member private chart.Layer(card: LayerCard) =
            let id = next "n"

            let lines = [
                card.Title
                match card.Choice with
                | Some choice ->
                    choice.Choose
                    choice.Controller
                    yield! choice.Notes

                    match choice.Pool with
                    | PoolUse.Own pool -> yield! chart.Own pool
                    | PoolUse.Shared _ -> ()
                | None -> ()
                $"{card.Name} {card.Output}"
            ]

            let text = quoted lines

            let node, kind =
                match card.Choice with
                | Some { Pool = PoolUse.Shared name } -> $"[{text}]", $":::{poolId name}"
                | Some _ -> $"[{text}]", ":::own"
                | None when card.IsEnd -> $"([{text}])", ""
                | None -> $"[{text}]", ""

            chart.Say $"{id}{node}{kind}"

            match card.Choice with
            | Some choice ->
                match choice.Pool with
                | PoolUse.Shared name -> chart.Edge(id, "-.-", poolId name)
                | PoolUse.Own _ -> ()

                if choice.ReadsTask then chart.Edge("tasks", "-. task id .->", id)
            | None -> ()

            id

        member private chart.Merge(card: MergeCard) =
            let id = next "n"
            let text = quoted [ card.Symbol; $"{card.Name} {card.Output}" ]
            chart.Say $"{id}({text})"
            id

        /// Says the layers in order, after a node that is there already; the last node.
        member chart.Chain(before: string option, sketches: Sketch list) : string option =
            let flow from target = from |> Option.iter (fun from -> chart.Edge(from, "-->", target))

            let one before sketch =
                match sketch with
                | Sketch.Layer card ->
                    let id = chart.Layer card
                    flow before id
                    Some id
                | Sketch.Skip(inside, merge) ->
                    let last = chart.Chain(before, inside)
                    let id = chart.Merge merge
                    flow last id
                    flow before id
                    Some id
                | Sketch.Branches(branches, merge) ->
                    let lasts = branches |> List.map (fun branch -> chart.Chain(before, branch))
                    let id = chart.Merge merge
                    lasts |> List.iter (fun last -> flow last id)
                    Some id
                | Sketch.Frame(title, inside) ->
                    let id = next "g"
                    chart.Say $"subgraph {id}[{quoted [ title ]}]"
                    depth <- depth + 1
                    let last = chart.Chain(before, inside)
                    depth <- depth - 1
                    chart.Say "end"
                    last

            List.fold one before sketches

        member chart.Tasks(card: LayerCard) = chart.Say $"tasks([{quoted [ card.Title; card.Output ]}])"

        member chart.Pool(pool: PoolCard) =
            let lines = [ $"pool {pool.Name}" ] @ chart.Own pool @ pool.Signatures @ [ pool.Uses ]

            chart.Say $"{poolId pool.Name}[({quoted lines})]:::{poolId pool.Name}"

    let ofSketch (sketch: NetworkSketch) : string =
        let chart = Chart(sketch.Pools |> List.map _.Name)
        sketch.Tasks |> Option.iter chart.Tasks
        chart.Chain(None, sketch.Layers) |> ignore
        sketch.Pools |> List.iter chart.Pool

        let style name stroke = $"    classDef {name} stroke:{stroke},stroke-width:2px"

        [
            "flowchart TB"
            yield! chart.Lines
            style "own" Palette.grey
            yield! sketch.Pools |> List.mapi (fun index _ -> style $"pool{index + 1}" (Palette.colour index))
        ]
        |> String.concat "\n"
        |> fun text -> text + "\n"
