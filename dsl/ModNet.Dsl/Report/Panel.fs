namespace ModNet.Figures

[<RequireQualifiedAccess>]
type Axis = {
    Title: string
    Log: bool
    /// Where the axis starts and ends, where that is not left to the data.
    Range: (float * float) option
    /// Counts: no ticks between whole numbers.
    Whole: bool
    /// Values that are marked, each with its label, in place of ticks of plotly's own choice.
    Marks: (float * string) list
    /// Not drawn: only the places of things relative to each other count.
    Hidden: bool
    /// Positions are names, in the order in which they come, even where they look like numbers.
    Classes: bool
}

/// One pair of axes with what is drawn in it.
[<RequireQualifiedAccess>]
type Panel = {
    Title: string
    X: Axis
    Y: Axis
    Series: Series list
    /// Dashed horizontal lines: value and label.
    References: (float * string) list
    /// A second reading of the y axis at its right: title, then value and label of each mark.
    RightMarks: (string * (float * string) list) option
    /// One unit is as long on x as on y.
    EqualUnits: bool
    /// In pixels, axes included.
    Height: float
    /// Rows counted from the top, as in a printed matrix.
    Downwards: bool
}

[<RequireQualifiedAccess>]
module Panel =
    let private axis: Axis = {
        Title = ""
        Log = false
        Range = None
        Whole = false
        Marks = []
        Hidden = false
        Classes = false
    }

    let empty: Panel = {
        Title = ""
        X = axis
        Y = axis
        Series = []
        References = []
        RightMarks = None
        EqualUnits = false
        Height = 340.0
        Downwards = false
    }

    /// A panel with these series, drawn in this order.
    let series (series: Series list) : Panel = { empty with Series = series }

    /// The same panel with one more series on top.
    let add (series: Series) (panel: Panel) = {
        panel with
            Series = panel.Series @ [ series ]
    }

    let title title (panel: Panel) : Panel = { panel with Title = title }

    let x title (panel: Panel) = {
        panel with
            X = { panel.X with Title = title }
    }

    let y title (panel: Panel) = {
        panel with
            Y = { panel.Y with Title = title }
    }

    /// A logarithmic y axis.
    let logY (panel: Panel) = {
        panel with
            Y = { panel.Y with Log = true }
    }

    /// Where the y axis starts and ends (on a logarithmic axis: positive values).
    let yRange (low: float) (high: float) (panel: Panel) = {
        panel with
            Y = { panel.Y with Range = Some(low, high) }
    }

    /// The x axis has names and no numbers.
    let classesX (panel: Panel) = {
        panel with
            X = { panel.X with Classes = true }
    }

    /// The y axis has names and no numbers.
    let classesY (panel: Panel) = {
        panel with
            Y = { panel.Y with Classes = true }
    }

    /// Values of x that are marked, with their labels.
    let xMarks (marks: (float * string) list) (panel: Panel) = {
        panel with
            X = { panel.X with Marks = marks }
    }

    /// No y axis.
    let hideY (panel: Panel) = {
        panel with
            Y = { panel.Y with Hidden = true }
    }

    /// Where the x axis starts and ends.
    let xRange (low: float) (high: float) (panel: Panel) = {
        panel with
            X = { panel.X with Range = Some(low, high) }
    }

    /// The panel's height in pixels, axes included; 340 unless said. In a grid the highest one counts.
    let height pixels (panel: Panel) = { panel with Height = pixels }

    /// The x axis counts things.
    let wholeX (panel: Panel) = {
        panel with
            X = { panel.X with Whole = true }
    }

    /// The y axis counts things.
    let wholeY (panel: Panel) = {
        panel with
            Y = { panel.Y with Whole = true }
    }

    /// A dashed line across the panel at y = value, labelled.
    let reference value label (panel: Panel) = {
        panel with
            References = panel.References @ [ value, label ]
    }

    /// A second reading of the y axis at its right.
    let rightMarks title marks (panel: Panel) = {
        panel with
            RightMarks = Some(title, marks)
    }

    let equalUnits (panel: Panel) = { panel with EqualUnits = true }
    let downwards (panel: Panel) = { panel with Downwards = true }
