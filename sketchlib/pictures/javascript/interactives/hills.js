// Chapter 3: three hills, and where the pen went.

const UNIT = 40, ACROSS = 4, DOWN = 3.2; // paper units to one of the plane's, and how far the plane reaches
const SMALLEST_SIGMA = 0.02, WIDEST_SIGMA = 3, MOST_RHO = 0.95, MOST_PI = 4;
const FINE = 2; // paper units to a pixel of the shading
const REACH = 9; // from the end of an ellipse to its handle, paper units
const START = [[0.5, -1, 0, 0.8, 0.5, 0.7], [0.3, 1.5, -1, 0.3, 0.9, 0], [0.2, 0.5, 1.5, 0.6, 0.6, -0.8]] // chapter 3's by hand
  .map(([pi, mux, muy, x, y, rho]) => ({ pi: Math.log(pi), mux, muy, sx: Math.log(x), sy: Math.log(y), r: Math.atanh(rho) }));
const PEN_AT = [0.9, 0.4];

const toPaper = (x, y) => [x * UNIT, y * UNIT];

function bounded(hill) {
  const sigma = (log) => clamp(log, Math.log(SMALLEST_SIGMA), Math.log(WIDEST_SIGMA)), most = Math.atanh(MOST_RHO);
  return { pi: clamp(hill.pi, -MOST_PI, MOST_PI), mux: clamp(hill.mux, -ACROSS, ACROSS), muy: clamp(hill.muy, -DOWN, DOWN),
    sx: sigma(hill.sx), sy: sigma(hill.sy), r: clamp(hill.r, -most, most) };
}

// The half axes of a hill's ellipse at one deviation, the longer first, and the angle of that one.
function axesOf({ sx, sy, r }) {
  const a = Math.exp(2 * sx), b = Math.exp(2 * sy), c = Math.tanh(r) * Math.exp(sx + sy), middle = (a + b) / 2, apart = Math.hypot((a - b) / 2, c);
  return { long: Math.sqrt(middle + apart), short: Math.sqrt(Math.max(middle - apart, 1e-12)), angle: Math.atan2(2 * c, a - b) / 2 };
}

// The spreads and the correlation of an ellipse.
function ofAxes({ long, short, angle }) {
  const cos = Math.cos(angle), sin = Math.sin(angle), x = Math.hypot(long * cos, short * sin), y = Math.hypot(long * sin, short * cos);
  return { sx: Math.log(x), sy: Math.log(y), r: Math.atanh(clamp(((long ** 2 - short ** 2) * sin * cos) / (x * y), -MOST_RHO, MOST_RHO)) };
}

function hills(root, { side = 1 / 30 } = {}) {
  const { line, say } = statusLine(), box = [...toPaper(-ACROSS, -DOWN), ...toPaper(ACROSS, DOWN)];
  const board = new Board("The plane of movements, with three hills and the place to which the pen went", box);
  const shade = element("canvas", { className: "sk-shade", width: (box[2] - box[0]) / FINE, height: (box[3] - box[1]) / FINE });
  const state = { hills: START, pen: PEN_AT, chosen: 0, axes: null, steps: 0 };
  shade.setAttribute("aria-hidden", "true");
  const layer = (name) => { const made = svgElement("g", { class: name, "aria-hidden": "true" }); board.svg.append(made); return made; };
  const grid = layer("sk-ticks"), shapes = layer("sk-ellipses"), arrows = layer("sk-arrows"), place = (x, y, digits) => `(${signed(x, digits)}, ${signed(y, digits)})`;
  drawTicks(grid);

  const change = (j, parts) => { state.hills = state.hills.map((hill, i) => (i === j ? bounded({ ...hill, ...parts }) : hill)); state.steps = 0; show(); };
  const choose = (j) => { if (state.chosen !== j) { state.chosen = j; state.axes = null; show(); } };
  const means = START.map((_, j) => new Handle(board, `hill ${j + 1}, its mean`, {
    className: `sk-hill-${j + 1}`, radius: 9, marks: [svgElement("circle", { class: "sk-dot", r: 9 }), text(0, 4, String(j + 1))],
    choose: () => choose(j), move: ([x, y]) => change(j, { mux: x / UNIT, muy: y / UNIT }),
    says: () => place(state.hills[j].mux, state.hills[j].muy),
  }));
  const ends = ["long", "short"].map((name) => new Handle(board, `the ${name === "long" ? "longer" : "shorter"} axis of the chosen hill`, {
    className: "sk-axis", marks: [svgElement("rect", { class: "sk-dot", x: -5, y: -5, width: 10, height: 10 })], move: (to) => bend(name, to),
    says: () => `${(state.axes ?? axesOf(state.hills[state.chosen]))[name].toFixed(2)} units, which gives ${spreads(state.hills[state.chosen])}`,
  }));
  for (const one of ends) for (const name of ["pointerup", "pointercancel", "blur"]) one.node.addEventListener(name, () => { state.axes = null; show(); });
  const pen = new Handle(board, "where the pen went", {
    className: "sk-went", marks: [svgElement("path", { d: "M-7 -7L7 7M-7 7L7 -7" })],
    move: ([x, y]) => { state.pen = [x / UNIT, y / UNIT]; state.steps = 0; show(); }, says: () => place(...state.pen),
  });
  board.svg.append(...means.map((one) => one.node), ...ends.map((one) => one.node), pen.node);
  board.onEmpty((at) => pen.move(at));

  // Turn and stretch the chosen hill: the other axis stays as long as it is.
  function bend(name, [x, y]) {
    const hill = state.hills[state.chosen], dx = x - hill.mux * UNIT, dy = y - hill.muy * UNIT;
    const length = Math.max((Math.hypot(dx, dy) - REACH) / (2 * UNIT), SMALLEST_SIGMA), angle = Math.atan2(dy, dx) - (name === "short" ? Math.PI / 2 : 0);
    state.axes = { ...(state.axes ?? axesOf(hill)), [name]: length, angle };
    change(state.chosen, ofAxes(state.axes));
  }

  const spreads = ({ sx, sy, r }) => `σ x ${Math.exp(sx).toFixed(2)}, σ y ${Math.exp(sy).toFixed(2)}, ρ ${signed(Math.tanh(r))}`;
  const log = (low, high) => ({ min: Math.log(low), max: Math.log(high), step: 0.01, text: (value) => Math.exp(value).toFixed(2) });
  const moved = (name, from = (value) => value) => (value) => { state.axes = null; change(state.chosen, { [name]: from(value) }); };
  const sliders = {
    sx: slider("σ along x", { ...log(SMALLEST_SIGMA, WIDEST_SIGMA), value: 0 }, moved("sx")),
    sy: slider("σ along y", { ...log(SMALLEST_SIGMA, WIDEST_SIGMA), value: 0 }, moved("sy")),
    r: slider("correlation ρ", { min: -MOST_RHO, max: MOST_RHO, step: 0.01, value: 0, text: signed }, moved("r", Math.atanh)),
    pi: slider("weight, π̂", { min: -MOST_PI, max: MOST_PI, step: 0.05, value: 0, text: signed }, moved("pi")),
  };
  const pick = choice("hill", ["1", "2", "3"], (value) => choose(Number(value) - 1));
  const costs = tableOf("What this place costs", ["density p", "−log p", "−log P, on the grid"], [["", "", ""]]);
  const bar = (j, what) => element("meter", { className: `sk-of-${j + 1}`, min: 0, max: 1, value: 0, "aria-label": `hill ${j + 1}: ${what}` });
  const parts = START.map((_, j) => ({ weight: bar(j, "weight"), taken: bar(j, "responsibility"), said: [element("span"), element("span")] }));
  const sharing = tableOf("What each hill holds, and is held responsible for", ["hill", "weight π", "held, r", "slope ∂/∂μ"],
    parts.map(({ weight, taken, said }, j) => [element("span", { className: `sk-name sk-of-${j + 1}` }, String(j + 1)), "", "", ""]));
  sharing.node.classList.add("sk-shares");
  parts.forEach(({ weight, taken, said }, j) => { sharing.cells[j][1].append(weight, said[0]); sharing.cells[j][2].append(taken, said[1]); });

  function step() {
    const before = nll(state.hills, ...state.pen), next = stepped(state.hills, ...state.pen, bounded);
    Object.assign(state, { hills: next, axes: null, steps: state.steps + (next !== state.hills) });
    show();
    const after = nll(next, ...state.pen);
    say(before === after ? "No step lowers the cost any more: the hills are as narrow as they may be here."
      : `After step ${state.steps}: −log p is ${signed(after)} nats${after < 0 ? ", below zero; on the grid it is not" : ""}.`);
  }

  function reset() {
    Object.assign(state, { hills: START, pen: PEN_AT, chosen: 0, axes: null, steps: 0 });
    show();
  }

  let waiting = 0;
  const show = () => { waiting ||= requestAnimationFrame(() => { waiting = 0; render(); }); };

  function render() {
    const taken = shares(state.hills, ...state.pen), weights = logWeights(state.hills).map(Math.exp), slopes = gradient(state.hills, ...state.pen);
    const cost = nll(state.hills, ...state.pen), onGrid = cellNll(state.hills, ...state.pen, side), hill = state.hills[state.chosen];
    const [p, nats, cell] = costs.cells[0];
    p.textContent = Math.exp(-cost) < 0.0005 ? Math.exp(-cost).toExponential(1).replace("-", "−") : Math.exp(-cost).toPrecision(3);
    nats.textContent = `${signed(cost)} nats`;
    cell.textContent = `${signed(onGrid)} nats`;
    parts.forEach(({ weight, taken: bar, said }, j) => {
      weight.value = weights[j]; bar.value = taken[j];
      said[0].textContent = percent(weights[j]); said[1].textContent = percent(taken[j]);
      sharing.cells[j][3].textContent = place(slopes[j].mux, slopes[j].muy, 1);
    });
    pick.select.value = String(state.chosen + 1);
    for (const [name, one] of Object.entries(sliders)) one.set(name === "r" ? Math.tanh(hill.r) : hill[name]);
    drawShade(shade, state.hills);
    shapes.replaceChildren(...state.hills.flatMap((one, j) => [1, 2].map((k) => outline(one, j, k))));
    arrows.replaceChildren(...state.hills.map((one, j) => arrow(one, slopes[j], j)).filter(Boolean));
    means.forEach((one, j) => { one.put(toPaper(state.hills[j].mux, state.hills[j].muy)); one.node.classList.toggle("sk-chosen", j === state.chosen); });
    const { long, short, angle } = state.axes ?? axesOf(hill);
    [[long, angle], [short, angle + Math.PI / 2]].forEach(([length, turned], k) => {
      const far = 2 * UNIT * length + REACH, [x, y] = toPaper(hill.mux, hill.muy);
      ends[k].put([x + far * Math.cos(turned), y + far * Math.sin(turned)]);
    });
    pen.put(toPaper(...state.pen));
  }

  const small = element("p", { className: "sk-small" }, "Ellipses: one and two deviations. Arrows: where a step downhill takes the means, long ones cut short.");
  root.append(element("div", { className: "sk-left" }, element("div", { className: "sk-plane" }, shade, board.svg), costs.node), element("div", { className: "sk-side" }, sharing.node,
    element("p", { className: "sk-choices" }, pick.labelled, ...Object.values(sliders).map((one) => one.labelled)),
    element("p", { className: "sk-buttons" }, button("Step downhill", step, { className: "sk-main" }), button("Reset", () => { reset(); say("As at first."); })), line, small));
  say("Drag the numbered means, the squares at the ends of the chosen hill, and the cross where the pen went; or choose one with the tab key and use the arrow keys.");
  render();
}

function drawTicks(layer) {
  const [right, bottom] = toPaper(ACROSS, DOWN);
  layer.append(svgElement("path", { d: `M${-right} 0H${right}M0 ${-bottom}V${bottom}` }));
  for (const k of [-3, -2, -1, 1, 2, 3]) layer.append(text(k * UNIT, bottom - 4, signed(k, 0), { "text-anchor": "middle" }), text(4 - right, k * UNIT + 3, signed(k, 0)));
  layer.append(text(right - 4, -4, "Δx", { "text-anchor": "end" }), text(4, bottom - 4, "Δy"));
}

// The density as shades; the square root, so that a low hill beside a high one is seen.
function drawShade(canvas, all) {
  const { width, height } = canvas, context = canvas.getContext("2d"), image = context.createImageData(width, height), weights = logWeights(all);
  const values = new Float64Array(width * height);
  let most = 0;
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) {
      const x = ((column + 0.5) * FINE) / UNIT - ACROSS, y = ((row + 0.5) * FINE) / UNIT - DOWN;
      let p = 0;
      for (let j = 0; j < all.length; j++) p += Math.exp(weights[j] + logNormal(all[j], x, y));
      values[i] = Math.sqrt(p);
      most = Math.max(most, values[i]);
    }
  }
  values.forEach((value, i) => { image.data[4 * i + 3] = 150 * (value / most); });
  context.putImageData(image, 0, 0);
}

function outline(hill, j, deviations) {
  const { long, short, angle } = axesOf(hill), [x, y] = toPaper(hill.mux, hill.muy), scale = deviations * UNIT;
  return svgElement("ellipse", { class: `sk-of-${j + 1}`, cx: x, cy: y, rx: long * scale, ry: short * scale, transform: `rotate(${(angle * 180) / Math.PI} ${x} ${y})` });
}

// From the mean against its slope; nothing where that is too short to be seen.
function arrow(hill, { mux, muy }, j) {
  const steep = Math.hypot(mux, muy), length = Math.min(0.5 * steep, 1.4) * UNIT;
  if (length < 3) return null;
  const [x, y] = toPaper(hill.mux, hill.muy), turned = (Math.atan2(-muy, -mux) * 180) / Math.PI;
  return svgElement("path", { class: `sk-of-${j + 1}`, d: `M0 0H${length + 9}m-6 -4l6 4l-6 4`, transform: `translate(${x} ${y}) rotate(${turned})` });
}
