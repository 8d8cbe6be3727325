
// The page of a pool that is still trained: parts come through a stream, and take the place of what they were.

const content = document.getElementById("content"), connection = document.querySelector(".live");
const shown = new Map(), arrived = new Map();  // HTML of the parts in sight, and of those that came since

function made(html) {
  const template = element("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

// What the reader has done to a part is done to the new one: zoom and legends, folds, filters, orders, the place.
function keep(before, now) {
  const figures = new Map([...before.querySelectorAll("figure")].map(figure => [figure.querySelector(".plot").id, figure]));
  for (const figure of now.querySelectorAll("figure")) {
    const plot = figure.querySelector(".plot"), own = figures.get(plot.id);
    if (!own) continue;
    for (const name of ["script", "figcaption"])
      own.querySelector(name).textContent = figure.querySelector(name).textContent;
    own.querySelector(".plot").setAttribute("aria-label", plot.getAttribute("aria-label"));
    figure.replaceWith(own);
  }
  for (const fold of now.querySelectorAll("details:not(.numbers)")) {
    const name = fold.querySelector("summary").textContent;
    fold.open = [...before.querySelectorAll("details[open]")].some(other => other.querySelector("summary").textContent === name);
  }
}
function reuse(before, now) {
  for (const figure of now.querySelectorAll("figure")) {
    const numbers = figure.querySelector(".numbers"), box = figure.querySelector(".filter");
    if (layouts.has(figure)) draw(figure);
    if (numbers.children.length > 1) {
      [...numbers.children].slice(1).forEach(each => each.remove());
      numbers.dispatchEvent(new Event("toggle"));
    }
    if (box && box.value) box.dispatchEvent(new Event("input"));
  }
  const tables = new Map([...before.querySelectorAll("table")].map(table => [table.dataset.name, table]));
  for (const table of now.querySelectorAll(".wide > table:not(.plain)")) {
    const own = tables.get(table.dataset.name);
    if (!own || now.querySelector("figure")?.contains(table)) continue;
    const [head] = own.querySelectorAll("th[aria-sort]"), typed = toolsOf(own)?.querySelector("input");
    if (head) {
      const heading = table.tHead.rows[0].cells[head.cellIndex];
      heading.click();
      if (head.ariaSort !== heading.ariaSort) heading.click();
    }
    if (typed && typed.value && toolsOf(table).querySelector("input")) {
      toolsOf(table).querySelector("input").value = typed.value;
      toolsOf(table).querySelector("input").dispatchEvent(new Event("input"));
    }
    if (own.classList.contains("all")) toolsOf(table).querySelector(".widen")?.click();
    table.parentElement.scrollTo(own.parentElement.scrollLeft, own.parentElement.scrollTop);
  }
}
function toolsOf(table) {
  const found = table.parentElement.previousElementSibling;
  return found?.matches(".tools") ? found : null;
}
const FOCUSABLE = "a, button, input, summary, [tabindex]";
function replace(before, now) {
  const focused = [...before.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
  const cut = document.activeElement.selectionStart;
  keep(before, now);
  const old = before.cloneNode(false);
  old.append(...before.childNodes);  // so that scrolling and orders can still be read
  before.replaceWith(now);
  furnishPage(now);
  reuse(old, now);
  for (const figure of old.querySelectorAll("figure")) forget(figure);
  if (focused < 0) return;
  const same = now.querySelectorAll(FOCUSABLE)[focused];
  same?.focus({preventScroll: true});
  if (cut != null && same?.setSelectionRange) same.setSelectionRange(cut, cut);
}
function forget(figure) {
  if (layouts.delete(figure)) Plotly.purge(figure.querySelector(".plot"));
}

function show({title, order}) {
  document.title = title;
  const here = new Map([...content.children].filter(each => each.dataset.place).map(each => [each.dataset.place, each]));
  for (const [place, part] of here) if (!order.includes(place)) {
    part.querySelectorAll("figure").forEach(forget);
    part.remove();
    shown.delete(place);
  }
  let last = connection;
  for (const place of order) {
    const html = arrived.get(place);
    let part = here.get(place);
    if (html !== undefined && html !== shown.get(place)) {
      const now = made(html);
      now.dataset.place = place;
      if (part) replace(part, now);
      else {
        last.after(now);
        furnishPage(now);
      }
      shown.set(place, html);
      part = now;
    }
    if (last.nextElementSibling !== part) last.after(part);
    last = part;
  }
  arrived.clear();
}

const stream = new EventSource(connection.dataset.stream);
const clock = () => new Date().toLocaleTimeString();
function say(text, lost) {
  connection.textContent = text;
  connection.classList.toggle("lost", lost);
}
stream.addEventListener("open", () => say("Live: what changes appears here by itself.", false));
stream.addEventListener("error", () => {
  if (!connection.classList.contains("lost"))
    say(`The dashboard has ended or cannot be reached since ${clock()}. This is what was seen last; it is tried again.`, true);
});
stream.addEventListener("part", ({data}) => { const {place, html} = JSON.parse(data); arrived.set(place, html); });
stream.addEventListener("page", ({data}) => show(JSON.parse(data)));
