/// What is wrong with pages as a browser draws them, wide and narrow, light and dark.
module ModNet.Tests.PageAudit

open System
open System.Collections.Generic
open System.IO
open Expecto
open ModNet
open ModNet.Runtime
open PuppeteerSharp
open PuppeteerSharp.Media

/// In the page: all that is wrong with its figures, in words.
let private audit =
    """async () => {
        const wrong = [];
        // The page draws again a little after its window has changed.
        const plots = document.querySelectorAll("figure.chart .plot");
        for (let i = 0; i < 100 && [...plots].some((plot) => plot._fullLayout?.width !== plot.clientWidth); i++)
            await new Promise((go) => setTimeout(go, 20));
        const box = (element) => element.getBoundingClientRect();
        const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
        for (const plot of plots) {
            const complain = (what, ...names) => wrong.push([plot.parentElement.getAttribute("aria-label"), what, ...names].join(": "));
            const layout = plot._fullLayout;
            if (!layout || layout.width !== plot.clientWidth) { complain("is not drawn at its width"); continue; }
            const whole = box(plot.querySelector("svg.main-svg"));
            const texts = [...plot.querySelectorAll("svg.main-svg text")]
                .filter((text) => text.textContent.trim() && box(text).width > 0)
                .map((text) => ({ text, is: text.textContent, at: box(text) }));
            for (const { is, at } of texts)
                if (at.left < whole.left - 1 || at.right > whole.right + 1 || at.top < whole.top - 1 || at.bottom > whole.bottom + 1)
                    complain("a text outside the figure", is);
            for (let i = 0; i < texts.length; i++)
                for (let j = i + 1; j < texts.length; j++)
                    if (meet(texts[i].at, texts[j].at)) complain("two texts on each other", texts[i].is, texts[j].is);
            const panels = Object.values(layout._plots).map(({ xaxis, yaxis }) => ({
                left: whole.left + xaxis._offset, right: whole.left + xaxis._offset + xaxis._length,
                top: whole.top + yaxis._offset, bottom: whole.top + yaxis._offset + yaxis._length, name: xaxis._id,
            }));
            const outside = ".xtick text, .ytick text, .legend text, [class*='xtitle'], [class*='ytitle']";
            for (const { text, is, at } of texts)
                if (text.matches(outside) || text.closest(".legend"))
                    for (const panel of panels) if (meet(at, panel)) complain("a label within a panel", is, panel.name);
            const axes = new Set();
            for (const trace of plot._fullData) {
                if (trace.type === "heatmap") continue;
                for (const letter of ["x", "y"]) {
                    const name = letter + "axis" + (trace[letter + "axis"] || letter).slice(1);
                    const axis = layout[name];
                    const [low, high] = [...axis.range].sort((a, b) => a - b);
                    const places = [...trace[letter]].filter((v) => typeof v === "number").map((v) => (axis.type === "log" ? Math.log10(v) : v));
                    if (places.some((v) => Number.isFinite(v) && (v < low - 1e-6 || v > high + 1e-6))) complain("drawn outside its axes", trace.name, name);
                    if (axis.visible && axis.type !== "category") axes.add(name);
                }
            }
            for (const name of axes) {
                if (layout[name]._vals.filter((tick) => tick.text).length < 2) complain("an axis of less than two ticks", name);
            }
        }
        if (document.documentElement.scrollWidth > innerWidth) wrong.push("the page is wider than its window");
        if (plots.length === 0 && !document.querySelector(".drawing svg")) wrong.push("no figure");
        return wrong;
    }"""

/// The gallery has every figure, and is seen in every look; a run's pages, wide and light, then narrow and dark.
let private looksOf (path: string) = [
    1400, "light"

    if Path.GetFileNameWithoutExtension path = "gallery" then
        1400, "dark"
        400, "light"

    400, "dark"
]

/// Every page in its looks, and what is wrong with it there. A page is opened wide, and its window is then made narrow.
let looks (pages: string list) : string list =
    task {
        let wrong = List<string>()
        use! browser = Puppeteer.LaunchAsync(Cli.Verbs.Pictures.launch (Browser.find ()))
        use! tab = browser.NewPageAsync()
        let mutable place = ""
        let complain (what: string) = wrong.Add $"{place}: {what}"
        tab.PageError.Add(fun error -> complain $"an error of the script: {error.Message}")

        tab.Console.Add(fun said ->
            if said.Message.Type = ConsoleType.Error then complain $"the console: {said.Message.Text}")

        for path in pages do
            let name = $"{Path.GetFileName(Path.GetDirectoryName path)}/{Path.GetFileName path}"
            place <- name
            do! tab.SetViewportAsync(ViewPortOptions(Width = 1400, Height = 900))
            let! _ = tab.GoToAsync(Uri(path).AbsoluteUri)

            for width, scheme in looksOf path do
                place <- $"{name}, {width} pixels wide, {scheme}"
                do! tab.SetViewportAsync(ViewPortOptions(Width = width, Height = 900))

                do!
                    tab.EmulateMediaFeaturesAsync(
                        [ MediaFeatureValue(MediaFeature = MediaFeature.PrefersColorScheme, Value = scheme) ]
                    )

                let! found = tab.EvaluateFunctionAsync<string array> audit

                for what in found do
                    complain what

        return List.ofSeq wrong
    }
    |> _.GetAwaiter().GetResult()

/// Leaves the test out where there is no browser.
let needsBrowser () =
    try
        Browser.find () |> ignore
    with :? UserException as missing ->
        skiptest missing.Message
