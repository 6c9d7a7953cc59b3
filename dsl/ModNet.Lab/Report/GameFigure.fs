namespace ModNet.Figures

open System
open ModNet
open ModNet.Runtime
open Plotly.NET

/// Figures of games: samples of players, and losses of turns.
[<RequireQualifiedAccess>]
module GameFigure =

    /// The number of points beyond which they hide each other.
    let private most = 600

    let private cloud name colour size opacity (points: float32 array array) =
        let kept = Downsample.spread most points.Length
        let at axis = kept |> Array.map (fun n -> float (points[n].[axis]))
        let marker = TraceObjects.Marker.init (Color = Color.fromString colour, Size = size)
        Chart.Point(x = at 0, y = at 1, Name = name, Marker = marker, Opacity = opacity, UseDefaults = false)

    /// Points of a plane: real ones in grey, and samples over them.
    /// Example: `GameFigure.points "table 1" [| [| 0.0f; 0.0f |] |] [| [| 0.1f; 0.2f |] |]`
    let points (title: string) (real: float32 array array) (samples: float32 array array) : GenericChart =
        Panel.series [ cloud "data" Palette.grey 5 0.35 real; cloud "samples" Palette.blue 4 0.7 samples ]
        |> Panel.title title
        |> Panel.x "x_1"
        |> Panel.y "x_2"
        |> Panel.equalUnits
        |> Panel.height 360

    /// Images [channels, height, width] in rows of so many, from the top, with a line between them. Of several channels the mean is drawn.
    /// Example: `GameFigure.images "samples" 1 (1, 1, 2) [| [| 0.0f; 1.0f |] |]`
    let images (title: string) (columns: int) (channels, height, width) (images: float32 array array) : GenericChart =
        let rows = (images.Length + columns - 1) / columns
        let drawn = images |> Array.truncate (rows * columns)
        let all = Array.concat drawn
        let low, high = float (Array.min all), float (Array.max all)

        let value (y: int) (x: int) =
            let number = y / (height + 1) * columns + x / (width + 1)
            let y, x = y % (height + 1), x % (width + 1)

            if number >= drawn.Length || y = height || x = width then
                high
            else
                let grey =
                    Seq.averageBy
                        (fun c -> float (drawn[number].[(c * height + y) * width + x]))
                        (seq { 0 .. channels - 1 })

                Math.Round(grey, 3)

        let values = Array2D.init (rows * (height + 1) - 1) (columns * (width + 1) - 1) value

        Panel.series [
            Draw.Heat(
                Array.init (Array2D.length2 values) string,
                (low, (if high > low then high else low + 1.0)),
                values,
                Hover = "%{z:.3~f}<extra></extra>"
            )
        ]
        |> Panel.title title
        |> Panel.hideX
        |> Panel.hideY
        |> Panel.downwards
        |> Panel.equalUnits
        |> Panel.height (min 900 (90 + max 160 (720 * Array2D.length1 values / Array2D.length2 values)))

    /// The losses of all turns over the steps, in one phase; None where the log has none.
    /// Example: `GameFigure.losses "train" (MetricsLog.OfFolder "runs/gap").Lines`
    let losses (phase: string) (lines: MetricsLine seq) : GenericChart option =
        let names =
            lines
            |> Seq.filter (fun line -> line.Phase = phase)
            |> Seq.collect _.Values.Keys
            |> Seq.filter (fun name -> name.StartsWith(Observation.TurnField, StringComparison.Ordinal))
            |> Seq.distinct
            |> Seq.toList

        let drawn = [
            for place, name in List.indexed names do
                let struct (steps, values) = MetricsLog.Column(phase, name, lines)
                let kept = Downsample.spread most steps.Length

                Draw.Line(
                    name[Observation.TurnField.Length ..],
                    kept |> Array.map (fun n -> steps[n]),
                    kept |> Array.map (fun n -> values[n]),
                    Colour = Palette.colour place
                )
        ]

        if drawn.IsEmpty then None else Some(Panel.over "step" drawn |> Panel.y "loss [nats]" |> Panel.title phase)
