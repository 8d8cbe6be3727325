"use strict";
const dark = matchMedia("(prefers-color-scheme: dark)");
const PAPER = 660, TALL = 560, FLATTER = 0.8;  // figures on paper: width, height at most, and height against the screen
const ABREAST = {width: 322, height: 250, font: 9};  // of two beside each other
const HEIGHT = 430;  // of a figure that says none
let printing = false;

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// Figures: plotly draws them, in the colours of the page.

function look(layout, small = false) {
  const ink = printing ? "#000" : getComputedStyle(document.body).color;
  const line = dark.matches && !printing ? "#333a45" : "#d8dce3", narrow = innerWidth < 640 && !printing;
  const paper = printing ? "#fff" : getComputedStyle(document.body).backgroundColor;
  const themed = {paper_bgcolor: paper, plot_bgcolor: paper, font: {color: ink, size: narrow ? 11 : 13},
    margin: {l: narrow ? 48 : 70, r: 16, t: 16, b: 48}, legend: {orientation: "h", y: 1.01, yanchor: "bottom"},
    uirevision: "kept", ...layout};  // zoom and legend stay where a figure is drawn again
  for (const key of Object.keys(themed).concat(["xaxis", "yaxis"]))
    if (/^[xy]axis/.test(key)) {
      themed[key] = {gridcolor: line, zerolinecolor: line, automargin: true, ...themed[key]};
      if (themed[key].title) themed[key].title = {standoff: 8, ...themed[key].title};  // or it stands among long labels
    }
  if (narrow)
    for (const [key, own] of Object.entries((layout.meta || {}).narrow || {})) themed[key] = {...themed[key], ...own};
  if (printing) {
    const high = (themed.height || HEIGHT) * FLATTER;
    Object.assign(themed, {width: small ? ABREAST.width : PAPER, height: Math.min(high, small ? ABREAST.height : TALL)});
    if (small) themed.font = {...themed.font, size: ABREAST.font};
  }
  return themed;
}
const layouts = new Map();  // of the figures that are drawn
function draw(figure) {
  const {data, layout} = JSON.parse(figure.querySelector("script").textContent);
  if (innerWidth < 640) for (const trace of data) Object.assign(trace, (trace.meta || {}).narrow);
  const plot = figure.querySelector(".plot");
  layouts.set(figure, layout);
  Plotly.react(plot, data, look(layout), {responsive: true, displaylogo: false, showTips: false, showSendToCloud: false,
    plotlyServerURL: "", topojsonURL: "", toImageButtonOptions: {format: "svg", filename: plot.id}});
}
function restyle() {
  for (const [figure, layout] of layouts) {
    const plot = figure.querySelector(".plot"), themed = look(layout, figure.matches(".pair > :not(:only-child)"));
    plot.style.height = `${themed.height || HEIGHT}px`;
    Plotly.relayout(plot, {...themed, ...(printing ? {} : {width: undefined, height: layout.height, autosize: true})});
  }
}
dark.addEventListener("change", restyle);
addEventListener("beforeprint", () => { printing = true; restyle(); });
addEventListener("afterprint", () => { printing = false; restyle(); });
function furnishFigure(figure) {
  const box = figure.querySelector(".filter"), plot = figure.querySelector(".plot");
  draw(figure);
  if (box) box.addEventListener("input", () => {
    const wanted = box.value.toLowerCase();
    Plotly.restyle(plot, {visible: plot.data.map(trace => (trace.name || "").toLowerCase().includes(wanted))});
  });
  furnishNumbers(figure, plot);
}

// Tables: tablesort orders them; a box filters them, a button writes them as CSV.

const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/, QUOTED = /[,;"\t\r\n]|^\s|\s$/;
Tablesort.extend("order", () => false, (one, other) => other - one);

function csv(lines) {
  const cell = value => {
    if (typeof value === "number") return String(value);
    const text = FORMULA.test(value) ? "'" + value : value;  // a spreadsheet shall run nothing
    return QUOTED.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  return lines.map(line => line.map(cell).join(",") + "\n").join("");
}
function download(name, lines) {
  const address = URL.createObjectURL(new Blob([csv(lines)], {type: "text/csv"}));
  const file = (name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "table") + ".csv";
  element("a", {href: address, download: file}).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
function shownLines(table) {
  const value = cell => {
    const image = cell.querySelector("img"), bound = cell.textContent.startsWith("<"), order = bound ? undefined : cell.dataset.sort;
    return image ? image.alt : order === undefined ? cell.textContent : Number(order) < -1e15 ? "" : Number(order);
  };
  const rows = [...table.tBodies[0].rows].filter(row => !row.hidden);
  return [[...table.tHead.rows[0].cells].map(cell => cell.textContent), ...rows.map(row => [...row.cells].map(value))];
}
function furnishTable(table) {
  const name = table.dataset.name, tools = element("div", {className: "tools"}), rows = [...table.tBodies[0].rows];
  if (rows.length > 1) new Tablesort(table);
  if (rows.length > 12) {
    const box = element("input", {type: "search", placeholder: "show rows that hold …", ariaLabel: "Filter " + name});
    box.addEventListener("input", () => {
      const wanted = box.value.toLowerCase();
      for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    });
    tools.append(box);
  }
  const button = element("button", {type: "button", textContent: "CSV", ariaLabel: "Download as CSV: " + name});
  button.addEventListener("click", () => download(name, shownLines(table)));
  tools.append(button);
  if (table.querySelector(".minor")) {
    const wider = element("button", {type: "button", className: "widen", textContent: "All columns", ariaPressed: "false"});
    wider.addEventListener("click", () => { wider.ariaPressed = String(table.classList.toggle("all")); reachable(); });
    tools.append(wider);
  }
  table.parentElement.before(tools);
}

// What scrolls can be reached with the keyboard.
function reachable() {
  for (const box of document.querySelectorAll(".wide")) {
    const scrolls = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
    if (scrolls) Object.assign(box, {tabIndex: 0, role: "group", ariaLabel: box.querySelector("table").dataset.name});
    else for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
  }
}
addEventListener("resize", reachable);

// Numbers of a figure as a table, made when somebody asks.

const MOST = 500;
function numbersOf(plot) {
  const text = value => value === undefined || value === null ? "" : typeof value === "number" ? value
    : new DOMParser().parseFromString(String(value), "text/html").body.textContent;
  const lines = [];
  for (const trace of plot._fullData || plot.data) {
    if (trace.hoverinfo === "skip") continue;
    const name = text(trace.name), said = trace.hovertext || trace.text, label = said && typeof said !== "string" ? said : [];
    if (trace.type === "parcoords") {
      const values = trace.dimensions.map(dimension => dimension.values);
      for (let row = 0; row < values[0].length; row++) lines.push(["", ...values.map(each => each[row])]);
    } else if (trace.z) {
      for (let row = 0; row < trace.z.length; row++)
        for (let column = 0; column < trace.z[row].length; column++)
          lines.push([text(trace.y ? trace.y[row] : row), text(trace.x ? trace.x[column] : column), trace.z[row][column]]);
    } else for (let row = 0; row < (trace.x || []).length; row++)
      lines.push([name, text(label[row]), text(trace.x[row]), text((trace.y || [])[row])]);
  }
  return lines;
}
function headingsOf(plot) {
  const title = axis => ((plot.layout[axis] || {}).title || {}).text || axis[0], [trace] = plot.data.slice(-1);
  if (!trace) return [];
  if (trace.type === "parcoords") return ["", ...trace.dimensions.map(dimension => dimension.label)];
  return trace.z ? ["row", "column", "value"] : ["name", "label", title("xaxis"), title("yaxis")];
}
function furnishNumbers(figure, plot) {
  const fold = figure.querySelector(".numbers");
  fold.addEventListener("toggle", () => {
    if (!fold.open || fold.querySelector("table, p")) return;
    const caption = figure.querySelector("figcaption").textContent;
    const lines = numbersOf(plot), head = headingsOf(plot);
    const used = head.map((_, column) => lines.some(line => line[column] !== ""));
    const kept = line => line.filter((_, column) => used[column]);
    const cell = value => {
      const made = element("td", {className: typeof value === "number" ? "number" : "text"},
        typeof value === "number" ? String(Number(value.toPrecision(6))) : value);
      if (typeof value === "number") made.dataset.sort = value;
      return made;
    };
    const wide = element("div", {className: "wide"}), table = element("table", {},
      element("thead", {}, element("tr", {}, ...kept(head).map(each => element("th", {scope: "col", textContent: each})))),
      element("tbody", {}, ...lines.slice(0, MOST).map(line => element("tr", {}, ...kept(line).map(cell)))));
    table.dataset.name = caption || plot.id;
    wide.append(table);
    const button = element("button", {type: "button", textContent: "All numbers as CSV"});
    button.addEventListener("click", () => download(plot.id, [kept(head), ...lines.map(kept)]));
    const count = lines.length > MOST ? `The first ${MOST} of ${lines.length} lines. ` : `${lines.length} lines. `;
    fold.append(element("p", {}, count, button), wide);
    reachable();
  });
}

// The contents tell where one is.
const seen = new IntersectionObserver(entries => {
  for (const {target, isIntersecting} of entries) {
    if (!isIntersecting) continue;
    for (const link of document.querySelectorAll("nav a"))
      if (link.hash.slice(1) === target.id) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
  }
}, {rootMargin: "0px 0px -70% 0px"});

// All that a part of the page needs; the page as a whole, or a section that came later.
function furnishPage(root) {
  root.querySelectorAll("figure").forEach(figure => layouts.has(figure) || furnishFigure(figure));
  root.querySelectorAll("table:not(.plain)").forEach(furnishTable);
  for (const section of [root, ...root.querySelectorAll("section")]) if (section.matches("section[id]")) seen.observe(section);
  reachable();
}
furnishPage(document.getElementById("content"));
