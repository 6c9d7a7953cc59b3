namespace ModNet.Figures

open Plotly.NET
open Plotly.NET.LayoutObjects

/// The look of all figures.
[<RequireQualifiedAccess>]
module HouseStyle =
    let private colour (text: string) = Color.fromString text

    let private axis () =
        let axis =
            LinearAxis.init (
                ShowLine = true,
                LineColor = colour "#444444",
                GridColor = colour "#e4e4e4",
                ZeroLine = false,
                Ticks = StyleParam.TickOptions.Outside,
                TickColor = colour "#444444",
                TickLen = 4,
                ExponentFormat = StyleParam.ExponentFormat.Power,
                SeparateThousands = true,
                Title = Title.init (Standoff = 8)
            )

        // Plotly.NET has names for the margins of single sides only.
        axis.SetProperty("automargin", true)
        axis

    /// Fonts, colours and axes as a plotly template. A chart's own settings count before it, and a page with a dark ground can put another template
    /// in its place.
    /// Example: `Chart.Line(xs, ys) |> Chart.withTemplate HouseStyle.template`
    let template: Template =
        let layout =
            Layout.init (
                Font =
                    Font.init (
                        Family = StyleParam.FontFamily.Custom Palette.fonts,
                        Size = 13.0,
                        Color = colour "#222222"
                    ),
                Colorway = Color.fromColors (Seq.map colour Palette.colours),
                PaperBGColor = colour "#ffffff",
                PlotBGColor = colour "#ffffff",
                HoverMode = StyleParam.HoverMode.Closest,
                Hoverlabel = Hoverlabel.init (Align = StyleParam.Align.Left)
            )

        layout.SetProperty("xaxis", axis ())
        layout.SetProperty("yaxis", axis ())
        Template.init layout

    /// A legend below the figure, however high the figure is.
    let internal legend () =
        Legend.init (
            Orientation = StyleParam.Orientation.Horizontal,
            X = 0.0,
            XAnchor = StyleParam.XAnchorPosition.Left,
            Y = 0.0,
            YRef = "container",
            YAnchor = StyleParam.YAnchorPosition.Bottom
        )
