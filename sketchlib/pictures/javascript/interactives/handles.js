// What a reader moves on a paper: with mouse, pen or finger, or chosen by the tab key and moved by the arrow keys.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// Marks at a place of a paper. `move(place)` is called for every new place, `choose()` when it is taken up; `says()` is what a screen reader hears.
class Handle {
  constructor(paper, label, { className = "", radius = 7, step = 4, marks = [], move, choose = () => {}, says }) {
    Object.assign(this, { paper, step, move, choose, says, at: [0, 0], held: false });
    this.node = svgElement("g", { class: `sk-handle ${className}`, tabindex: 0, role: "slider", "aria-label": label },
      svgElement("circle", { class: "sk-touch", r: Math.max(radius, 13) }), ...(marks.length ? marks : [svgElement("circle", { class: "sk-dot", r: radius })]));
    const on = (name, act) => this.node.addEventListener(name, act);
    on("pointerdown", (event) => this.take(event));
    on("pointermove", (event) => { if (this.held) this.move(this.inside([0, 1].map((k) => paper.exact(event)[k] - this.off[k]))); });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) on(name, () => { this.held = false; this.node.classList.remove("sk-held"); });
    on("keydown", (event) => this.key(event));
    on("focus", () => this.choose());
  }

  take(event) {
    if (event.button) return;
    event.preventDefault();
    event.stopPropagation();
    this.node.focus({ preventScroll: true });
    this.node.setPointerCapture?.(event.pointerId);
    this.node.classList.add("sk-held");
    const place = this.paper.exact(event);
    Object.assign(this, { held: true, off: [place[0] - this.at[0], place[1] - this.at[1]] }); // it does not jump to the finger
  }

  key(event) {
    const way = ARROWS[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const far = this.step * (event.shiftKey ? 5 : 1);
    this.move(this.inside([this.at[0] + far * way[0], this.at[1] + far * way[1]]));
  }

  inside([x, y]) {
    const [left, top, right, bottom] = this.paper.seen;
    return [clamp(x, left, right), clamp(y, top, bottom)];
  }

  put(place) {
    this.at = place;
    this.node.setAttribute("transform", `translate(${place[0].toFixed(2)} ${place[1].toFixed(2)})`);
    this.node.setAttribute("aria-valuenow", place[0].toFixed(1));
    this.node.setAttribute("aria-valuetext", this.says());
  }
}

// A paper with things to take hold of, which touching elsewhere scrolls as it does any page.
class Board extends Paper {
  constructor(label, box) {
    super(label);
    this.svg.setAttribute("role", "group");
    this.svg.classList.add("sk-board");
    this.home = box;
    this.view(box);
  }

  // Where a pointer is, in the paper's own units.
  exact({ clientX, clientY }) {
    const { left, top, width, height } = this.svg.getBoundingClientRect(), [x0, y0, x1, y1] = this.seen;
    return [x0 + ((clientX - left) / width) * (x1 - x0), y0 + ((clientY - top) / height) * (y1 - y0)];
  }

  // A click beside all handles.
  onEmpty(act) {
    this.svg.addEventListener("click", (event) => { if (!event.target.closest(".sk-handle")) act(this.exact(event)); });
  }
}

const text = (x, y, words, attributes = {}) => svgElement("text", { x, y, ...attributes }, words);
const signed = (value, digits = 2) => { const written = value.toFixed(digits).replace("-", "−"); return /[1-9]/.test(written) ? written : written.replace("−", ""); };

// A table: its head, and cells that are filled later.
function tableOf(caption, head, rows) {
  const cells = rows.map((row) => row.map((one) => element("td", {}, one)));
  const top = element("tr", {}, ...head.map((one) => element("th", { scope: "col" }, ...[one].flat())));
  const node = element("table", {}, element("caption", {}, caption), element("thead", {}, top), element("tbody", {}, ...cells.map((row) => element("tr", {}, ...row))));
  return { node, cells };
}

// Every point of rows that begin at a place.
function placesOf({ start, rows }) {
  const found = [start];
  for (const [dx, dy] of rows) found.push([found.at(-1)[0] + dx, found.at(-1)[1] + dy]);
  return found;
}
