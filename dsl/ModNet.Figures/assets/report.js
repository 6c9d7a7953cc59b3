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

  // Pixels of a panel's plot below which panels stand below each other.
  const narrowest = 200;
  // An upper bound of the mean width of a letter of a panel's title.
  const letter = 8;
  // The height of a line of it.
  const titleLine = 18;

  // Where the panel with this number is in the figure, as a part of its plots' width and height.
  function place({ grid }, panel) {
    if (!grid) return { x: 0, bottom: 0, width: 1 };
    const column = panel % grid.columns, row = Math.floor(panel / grid.columns);
    const step = 1 / (grid.columns - grid.xgap);
    return { x: column * step, bottom: (grid.rows - 1 - row) / (grid.rows - grid.ygap), width: step * (1 - grid.xgap) };
  }

  const numberOf = (name) => Math.max(0, (parseInt(name.replace(/\D+/g, ""), 10) || 1) - 1);

  // A title in lines that are as wide as its panel, the margin at its right included.
  function broken(title, most) {
    const lines = [""];
    for (const word of title.split(" ")) {
      const last = lines[lines.length - 1];
      if (last === "") lines[lines.length - 1] = word;
      else if (last.length + 1 + word.length <= most) lines[lines.length - 1] = last + " " + word;
      else lines.push(word);
    }
    return lines;
  }

  // Panels keep the space that their labels need, and stand below each other where they would become too narrow beside each other. Their own legends go
  // with them, and long titles are broken.
  function fit(layout, width) {
    const { grid, margin } = layout;
    layout.width = width;
    if (!margin) return;
    const plots = () => layout.height - margin.t - margin.b;
    const legends = Object.keys(layout)
      .filter((key) => /^legend\d*$/.test(key) && layout[key].yref !== "container")
      .map((key) => {
        const legend = layout[key], panel = numberOf(key);
        return { legend, panel, below: (place(layout, panel).bottom - legend.y) * plots() };
      });
    const sides = margin.l + margin.r;
    if (grid) {
      if (width / grid.columns - sides < narrowest) {
        const panels = Object.keys(layout).filter((key) => /^xaxis\d*$/.test(key)).length;
        layout.height = (layout.height / grid.rows) * panels;
        grid.rows = panels;
        grid.columns = 1;
      }
      grid.xgap = (sides * grid.columns) / width;
    }
    let lines = 1;
    for (const note of layout.annotations || []) {
      if (note.name !== "title") continue;
      const room = place(layout, numberOf(note.xref)).width * (width - sides) + margin.r;
      const title = broken(note.text, Math.floor(room / letter));
      note.text = title.join("<br>");
      lines = Math.max(lines, title.length);
    }
    const more = (lines - 1) * titleLine;
    const rows = grid ? grid.rows : 1;
    if (grid) grid.ygap = (grid.ygap * layout.height + more * rows) / (layout.height + more * rows);
    layout.height += more * rows;
    margin.t += more;
    for (const { legend, panel, below } of legends) {
      const { x, bottom } = place(layout, panel);
      legend.x = x;
      legend.y = bottom - below / plots();
    }
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
