"use strict";
(() => {
  // The figures carry the light look in their template; on a dark ground these colours (report.css has the same) replace it.
  const dark = { ground: "#15181b", ink: "#e4e7ea", line: "#a2aab2", grid: "#3a4046" };
  const darkScreen = matchMedia("(prefers-color-scheme: dark)");
  const paperWidth = 660;
  const config = {
    displaylogo: false,
    displayModeBar: "hover",
    // Nothing of a report leaves the machine, not even by a click.
    plotlyServerURL: "",
    modeBarButtonsToRemove: ["sendChartToCloud", "select2d", "lasso2d", "autoScale2d"],
    toImageButtonOptions: { format: "svg" },
  };

  // Rows that have all the words of the field above their table, in any of their cells.
  for (const searchable of document.querySelectorAll(".searchable")) {
    const field = searchable.querySelector("input");
    const rows = [...searchable.querySelectorAll("tbody tr")].map((row) => ({ row, text: row.textContent.toLowerCase() }));
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const { row, text } of rows) row.hidden = !words.every((word) => text.includes(word));
    });
  }

  const charts = [...document.querySelectorAll("figure.chart")].map((chart) => {
    const box = chart.querySelector(".plot");
    return { box, figure: JSON.parse(chart.querySelector("script").textContent) };
  });

  // Panels that would become too narrow beside each other stand below each other.
  function fit(layout, width) {
    const { grid } = layout;
    layout.width = width;
    if (!grid || width / grid.columns >= 290) return;
    const panels = Object.keys(layout).filter((key) => /^xaxis\d*$/.test(key)).length;
    layout.height = (layout.height / grid.rows) * panels;
    grid.rows = panels;
    grid.columns = 1;
  }

  function darken(layout) {
    const look = layout.template && layout.template.layout;
    if (!look) return;
    look.font.color = dark.ink;
    look.paper_bgcolor = look.plot_bgcolor = dark.ground;
    for (const axis of [look.xaxis, look.yaxis]) {
      axis.gridcolor = dark.grid;
      axis.linecolor = axis.tickcolor = dark.line;
    }
  }

  function draw(onPaper) {
    for (const { box, figure } of charts) {
      const { data, layout } = structuredClone(figure);
      fit(layout, onPaper ? paperWidth : box.clientWidth);
      if (darkScreen.matches && !onPaper) darken(layout);
      Plotly.react(box, data, layout, config);
    }
  }

  let waiting;
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(() => draw(false), 120);
  });
  addEventListener("beforeprint", () => draw(true));
  addEventListener("afterprint", () => draw(false));
  darkScreen.addEventListener("change", () => draw(false));
  draw(false);
})();
