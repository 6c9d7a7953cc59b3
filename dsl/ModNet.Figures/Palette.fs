namespace ModNet.Figures

/// Colours that stay apart for colour-blind readers and in print (Okabe & Ito 2008), in the order in which figures
/// hand them out: pale ones last.
[<RequireQualifiedAccess>]
module Palette =
    let blue = "#0072B2"
    let vermillion = "#D55E00"
    let green = "#009E73"
    let purple = "#CC79A7"
    let orange = "#E69F00"
    let sky = "#56B4E9"
    let yellow = "#F0E442"

    /// For context only, such as reference lines, or targets behind predictions. Readable on light and dark ground.
    let grey = "#8A8A8A"

    let colours = [| blue; vermillion; green; purple; orange; sky; yellow |]

    /// The colour of the i-th class (a module, a series); starts again after the seventh.
    let colour (i: int) = colours[i % colours.Length]

    /// Each system's own sans serif font, so that nothing is downloaded.
    let fonts = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
