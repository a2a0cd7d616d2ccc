// What is looked at and drawn on: papers of SVG, the reader's pen on them, and the hands of a network that draw at a human pace.

const MARGIN = 14; // round the box of 255 units, in units
const PACE = 420; // units a second that a network's pen goes
const CALM = typeof matchMedia === "function" ? matchMedia("(prefers-reduced-motion: reduce)") : { matches: false };

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) name in made ? (made[name] = value) : made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function svgElement(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const pause = () => new Promise((resolve) => setTimeout(resolve));

// A white (in the dark: black) sheet. Layers from below: faint, network, reader, over.
class Paper {
  constructor(label, { width = BOX, height = BOX } = {}) {
    this.layers = Object.fromEntries(["faint", "network", "reader", "over"].map((name) => [name, svgElement("g", { class: `sk-${name}` })]));
    this.svg = svgElement("svg", { class: "sk-paper", role: "img", "aria-label": label }, ...Object.values(this.layers));
    this.home = [-MARGIN, -MARGIN, width + MARGIN, height + MARGIN];
    this.view(this.home);
  }

  // What part of the plane is seen: left, top, right, bottom.
  view(box) {
    this.seen = box;
    this.svg.setAttribute("viewBox", `${box[0]} ${box[1]} ${box[2] - box[0]} ${box[3] - box[1]}`);
  }

  // Zoom out as far as it takes to see a point, so that nothing is drawn outside.
  reach([x, y]) {
    const [left, top, right, bottom] = this.seen, out = Math.max(left - x, top - y, x - right, y - bottom) + 4;
    if (out > 4) this.view([left - out, top - out, right + out, bottom + out]);
  }

  path(layer, className = "") {
    const path = svgElement("path", { class: className });
    this.layers[layer].append(path);
    return path;
  }

  show(layer, strokes, className) {
    this.path(layer, className).setAttribute("d", pathOf(strokes));
    strokes.flat().forEach((point) => this.reach(point));
  }

  clear(...layers) {
    for (const name of layers.length ? layers : Object.keys(this.layers)) this.layers[name].replaceChildren();
    if (!layers.length) this.view(this.home);
  }

  say(label) { this.svg.setAttribute("aria-label", label); }

  // Where on the paper a pointer is: halves of a unit, so that a link keeps them, and never outside.
  place({ clientX, clientY }) {
    const { left, top, width, height } = this.svg.getBoundingClientRect(), [x0, y0, x1, y1] = this.seen;
    const half = (value, low, high) => Math.round(2 * clamp(value, low, high)) / 2;
    return [half(x0 + ((clientX - left) / width) * (x1 - x0), x0, x1), half(y0 + ((clientY - top) / height) * (y1 - y0), y0, y1)];
  }
}

// The reader's pen on a paper: mouse, pen, finger, or keys (arrows move, the space bar sets the pen down and lifts it).
// `begin` and `change` are called when a stroke begins and when one has ended. Strokes are replaced, never changed, so that undo can keep them.
class ReadersPen {
  constructor(paper, { begin = () => {}, change = () => {} } = {}) {
    Object.assign(this, { paper, begin, change, strokes: [], past: [], current: null, at: [BOX / 2, BOX / 2], touch: true });
    const { svg } = paper, on = (name, handle) => svg.addEventListener(name, handle);
    svg.setAttribute("tabindex", "0");
    svg.setAttribute("role", "application");
    svg.setAttribute("aria-roledescription", "drawing paper");
    on("pointerdown", (event) => this.down(event));
    on("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) on(name, () => this.up());
    on("keydown", (event) => this.key(event));
    svg.addEventListener("blur", () => { this.up(); paper.clear("over"); });
  }

  down(event) {
    if (event.button || this.current || (event.pointerType === "touch" && !this.touch)) return; // the main button, one finger at a time
    event.preventDefault();
    this.paper.svg.focus({ preventScroll: true });
    this.paper.svg.setPointerCapture?.(event.pointerId);
    this.start(this.paper.place(event));
  }

  move(event) {
    if (!this.current) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length ? all : [event]) this.to(this.paper.place(one));
  }

  start(point) {
    this.begin();
    this.current = [point];
    this.path = this.paper.path("reader");
    this.path.setAttribute("d", pathOf([this.current]));
  }

  to(point) {
    const last = this.current.at(-1);
    if (!finite(point) || (point[0] === last[0] && point[1] === last[1])) return;
    this.current.push(point);
    this.path.setAttribute("d", pathOf([this.current]));
  }

  up() {
    if (!this.current) return;
    const stroke = this.current;
    this.current = null;
    this.set([...this.strokes, stroke]);
  }

  key(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || !(way || event.key === " ")) return;
    event.preventDefault();
    if (way) {
      const [left, top, right, bottom] = this.paper.seen, step = event.shiftKey ? 20 : 5;
      this.at = [clamp(this.at[0] + step * way[0], left, right), clamp(this.at[1] + step * way[1], top, bottom)];
      if (this.current) this.to(this.at);
    } else if (this.current) this.up();
    else this.start([...this.at]);
    this.paper.clear("over");
    this.paper.layers.over.append(svgElement("circle", { cx: this.at[0], cy: this.at[1], r: this.current ? 3 : 5, class: "sk-cursor" }));
  }

  // Other strokes in place of these; undo brings these back.
  set(strokes) {
    this.past.push(this.strokes);
    this.show(strokes);
    this.change();
  }

  show(strokes) {
    this.strokes = strokes;
    this.paper.clear("reader");
    if (strokes.length) this.paper.show("reader", strokes);
  }

  undo() {
    if (!this.past.length) return false;
    this.show(this.past.pop());
    this.change();
    return true;
  }
}

// A network's pen: `source.next()` gives its points, {dx, dy, pen} in data units, null at the end; `scale` paper units make one of those.
class Hand {
  constructor(paper, source, { start, scale = 1, layer = "network", className = "" }) {
    Object.assign(this, { paper, source, scale, at: start, path: paper.path(layer, className), strokes: [], target: null, done: false });
  }

  // The next point to go to; false after the last.
  aim() {
    if (!this.strokes.length) {
      this.source.look?.(); // only now is it settled whether the reader's last point lifted the pen
      this.inked = this.source.row ? this.source.row[2] === 1 : true;
      this.strokes = this.inked ? [[this.at]] : [];
    }
    const point = this.source.next();
    if (!point) { this.done = true; return false; }
    this.target = [this.at[0] + this.scale * point.dx, this.at[1] + this.scale * point.dy];
    this.lifts = point.pen === 1;
    return true;
  }

  arrive() {
    this.at = this.target;
    this.target = null;
    if (this.inked) this.strokes.at(-1).push(this.at);
    else this.strokes.push([this.at]);
    this.inked = !this.lifts;
    this.paper.reach(this.at);
  }

  // Go on for so many units; through the air it goes three times as fast.
  advance(units) {
    while (units > 0 && !this.done) {
      if (!this.target && !this.aim()) break;
      const [dx, dy] = [this.target[0] - this.at[0], this.target[1] - this.at[1]];
      const length = Math.hypot(dx, dy) / (this.inked ? 1 : 3), share = Math.min(units / (length || 1e-9), 1);
      units -= length * share + 0.5;
      if (share === 1) { this.arrive(); continue; }
      this.at = [this.at[0] + dx * share, this.at[1] + dy * share];
      if (this.inked) this.strokes.at(-1).push(this.at);
      this.render();
      if (this.inked) this.strokes.at(-1).pop();
      return;
    }
    this.render();
  }

  render() { this.path.setAttribute("d", pathOf(this.strokes)); }
}

// Stroke-3 rows as a hand's source.
const replay = (rows) => {
  let i = 0;
  return { next: () => (i < rows.length ? { dx: rows[i][0], dy: rows[i][1], pen: rows[i++][2] ? 1 : 0 } : null) };
};

// Hands on one clock. Where the reader's system asks for little motion, all is drawn at once.
class Player {
  constructor({ pace = PACE, fail = () => {} } = {}) {
    Object.assign(this, { pace, fail, hands: [], running: false, frame: 0 });
  }

  // Draw with these hands; resolves true when all have ended, false where something else was drawn first.
  play(hands, inTurn = false) {
    this.stop();
    Object.assign(this, { hands, inTurn, running: true, before: null });
    return new Promise((resolve) => { this.resolve = resolve; this.tick(performance.now()); });
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.running = false;
    this.resolve?.(false);
    this.resolve = null;
  }

  pause() { cancelAnimationFrame(this.frame); this.running = false; }

  resume() {
    if (!this.resolve || this.running) return;
    this.running = true;
    this.before = null;
    this.frame = requestAnimationFrame((now) => this.tick(now));
  }

  tick(now) {
    const units = CALM.matches ? Infinity : this.pace * Math.min((now - (this.before ?? now - 16)) / 1000, 0.1);
    this.before = now;
    try {
      for (const hand of this.hands.filter((one) => !one.done).slice(0, this.inTurn ? 1 : undefined)) hand.advance(units);
    } catch (error) { this.fail(error); return this.stop(); }
    if (this.hands.some((one) => !one.done)) this.frame = requestAnimationFrame((next) => this.tick(next));
    else { this.running = false; this.resolve?.(true); this.resolve = null; }
  }
}

// Strokes moved and scaled into a box, in its middle; never enlarged by more than `most`.
function placed(strokes, [left, top, right, bottom], most = Infinity) {
  const box = bounds(strokes), scale = Math.min((right - left) / (box[2] - box[0] || 1), (bottom - top) / (box[3] - box[1] || 1), most);
  const dx = (left + right - scale * (box[0] + box[2])) / 2, dy = (top + bottom - scale * (box[1] + box[3])) / 2;
  return { scale, dx, dy, strokes: strokes.map((stroke) => stroke.map(([x, y]) => [dx + scale * x, dy + scale * y])) };
}

// A whole drawing by a model, made a few points at a time so that the page stays alive; empty ones are thrown again.
async function sketched(model, word, { temperature = 0.4, penTemperature = null, seed = 0, z = null } = {}) {
  for (let tries = 0; tries < 5; tries++) {
    const random = seeded(seed + 7919 * tries), condition = model.condition(word, z ?? normals(model.latentSize, seed + tries));
    const sketcher = new Sketcher(model, condition, { temperature, penTemperature, random }), rows = [];
    for (let point = sketcher.next(); point; point = sketcher.next()) {
      rows.push([point.dx, point.dy, point.pen]);
      if (rows.length % 8 === 0) await pause();
    }
    if (rows.length || z) return rows;
  }
  return [];
}
