/// Drawings of any sound network.
module ModNet.Tests.DrawingProperties

open System.Text.RegularExpressions
open Expecto
open ModNet
open ModNet.Generators
open ModNet.Tests.Picture

let private config = trying 150 typeof<Arbitraries> (11UL, 7UL)

let private drawn network =
    match Network.to_svg network, check network with
    | Ok svg, Ok summary -> read svg, summary
    | _ -> failtest "expected a sound network"

/// The names that a drawn name stands for: `repeat1/1–2/linear1` is two layers.
let rec private names (drawn: string) : string list =
    let range = Regex.Match(drawn, @"(?<=^|/)(\d+)–(\d+)(?=/)")

    if range.Success then
        [
            for round in int range.Groups[1].Value .. int range.Groups[2].Value do
                yield! names (drawn.Remove(range.Index, range.Length).Insert(range.Index, string round))
        ]
    else
        [ drawn ]

/// Layers that are drawn as frames around others.
let private isFrame (row: SummaryRow) = row.Kind = "repeat" || row.Kind = "block"

let private named picture = ofKind "layer" picture @ ofKind "merge" picture

let private property name check = testPropertyWithConfig config name (fun (network: Network) -> drawn network ||> check)

let private everything = [
    property "every layer is there once, by its name" (fun picture summary ->
        let found = named picture |> List.collect (_.Name >> names) |> List.sort

        let expected = summary.Rows |> List.filter (isFrame >> not) |> List.map _.Name |> List.sort

        Expect.equal found expected "names")

    property "every layer's shape is on it" (fun picture summary ->
        let shapes = summary.Rows |> List.map (fun row -> row.Name, row) |> Map.ofList

        for thing in named picture do
            for name in names thing.Name do
                let row = shapes[name]

                // What flows through the layers passes the task id by.
                if row.Kind <> "tasks" then
                    Expect.isTrue
                        (thing.Labels |> List.exists (fun label -> label.Text = string row.Output))
                        $"{name} gives {row.Output}")

    property "every pool with a name is there once" (fun picture summary ->
        let expected = summary.Rows |> List.choose _.Pool |> List.distinct |> List.sort
        Expect.equal (ofKind "pool" picture |> List.map _.Name |> List.sort) expected "pools")

    property "cards lie apart, inside their frames and the picture" (fun picture _ ->
        let cards = named picture @ ofKind "pool" picture

        for index, one in List.indexed cards do
            Expect.isTrue (contains picture.Whole one.Box) $"{one.Name} is in the picture"

            for other in List.skip (index + 1) cards do
                Expect.isFalse (overlap one.Box other.Box) $"{one.Name} and {other.Name}"

            for frame in ofKind "frame" picture do
                Expect.isTrue
                    (contains frame.Box one.Box || not (overlap frame.Box one.Box))
                    $"{one.Name} and the frame {frame.Name}")

    property "text is where its card is, and in the picture" (fun picture _ ->
        // Narrower than any font has it.
        let reach (label: Label) =
            let width = 0.4 * label.Size * float label.Text.Length
            let x, _ = label.At

            match label.Anchor with
            | "start" -> x, x + width
            | "end" -> x - width, x
            | _ -> x - width / 2.0, x + width / 2.0

        for card in ofKind "layer" picture @ ofKind "pool" picture do
            for label in card.Labels do
                let left, right = reach label
                let _, y = label.At
                Expect.isTrue (left >= card.Box.X && right <= card.Box.Right) $"`{label.Text}` in {card.Name}"
                Expect.isTrue (y - label.Size >= card.Box.Y && y < card.Box.Bottom) $"`{label.Text}` in {card.Name}"

        for label in picture.Labels do
            let left, right = reach label
            Expect.isTrue (left >= 0.0 && right <= picture.Whole.Width) $"`{label.Text}` in the picture")

    property "a line leads from every layer to the pool that it shares" (fun picture summary ->
        let shares = summary.Rows |> List.filter _.Pool.IsSome |> List.map _.Name |> Set.ofList

        let ends = picture.Lines |> List.filter (fun (dashes, _) -> dashes = toPool) |> List.collect snd

        for layer in ofKind "layer" picture do
            let touched =
                ends
                |> List.exists (fun (x, y) ->
                    abs (x - layer.Box.Right) < 0.02 && y > layer.Box.Y && y < layer.Box.Bottom)

            Expect.equal touched (shares.Contains (names layer.Name).Head) layer.Name

        for pool in ofKind "pool" picture do
            Expect.isTrue
                (ends
                 |> List.exists (fun (x, y) -> abs (x - pool.Box.X) < 0.02 && y > pool.Box.Y && y < pool.Box.Bottom))
                $"pool {pool.Name}")

    property "no line runs through a card" (fun picture _ ->
        Expect.isEmpty (crossed picture) "cards that a line crosses")
]

[<Tests>]
let tests = testList "drawing of any network" everything
