// Watch: point by point, with the mixture's ellipses and the pen's probabilities.

const PEN_STATES = ["goes on", "lifts", "ends"];

// The component's ellipse at two standard deviations, in paper units round the pen.
function ellipse(mixture, k, [x, y], scale) {
  const a = mixture.sigmaX[k] ** 2, b = mixture.sigmaY[k] ** 2, c = mixture.rho[k] * mixture.sigmaX[k] * mixture.sigmaY[k];
  const middle = (a + b) / 2, apart = Math.hypot((a - b) / 2, c), turned = (Math.atan2(2 * c, a - b) * 90) / Math.PI;
  const radius = (variance) => Math.max(2 * scale * Math.sqrt(Math.max(variance, 0)), 0.7);
  const cx = x + scale * mixture.muX[k], cy = y + scale * mixture.muY[k];
  return svgElement("ellipse", { class: "sk-component", cx, cy, rx: radius(middle + apart), ry: radius(middle - apart),
    transform: `rotate(${turned} ${cx} ${cy})`, "fill-opacity": 0.75 * Math.exp(mixture.logPi[k]), "stroke-opacity": Math.sqrt(Math.exp(mixture.logPi[k])) });
}

function watch(root, library, { beginning = () => [] } = {}) {
  const { line, say } = statusLine(), paper = new Paper("Paper: a network draws, point by point"), name = library.names[0];
  const state = { seed: 1, word: library.index[name].classes[0], timer: 0, version: 0, hand: null, running: false };
  const word = choice("class", library.index[name].classes, (value) => { state.word = value; begin(); });
  const temperature = temperatures(() => state.hand && begin());
  const speed = slider("points a second", { min: 1, max: 30, step: 1, value: 4 });
  const mine = element("input", { type: "checkbox", onchange: () => begin() });
  const start = button("Draw", () => (state.running ? halt() : run()), { className: "sk-main" });
  const bars = PEN_STATES.map((text) => {
    const bar = element("meter", { min: 0, max: 1, value: 0 }), value = element("span", { className: "sk-value" }, "–");
    return { bar, value, row: element("label", { className: "sk-bar" }, `pen ${text} `, bar, " ", value) };
  });

  function halt() {
    clearTimeout(state.timer);
    state.running = false;
    start.textContent = "Draw";
  }

  // A new drawing, from the reader's beginning if that is asked for, at its first question.
  async function begin() {
    halt();
    const version = ++state.version, model = await obtained(library, name, say);
    if (!model || version !== state.version) return false;
    const strokes = mine.checked ? beginning() : [];
    if (mine.checked && !strokes.length) say("Nothing is drawn under “Complete” yet, so the network begins by itself.");
    else say(`The network draws: ${state.word}.`);
    const { rows, scale } = strokes.length ? begunRows(strokes) : { rows: [], scale: 1 };
    const how = () => ({ ...tempered(temperature.value), random: seeded(state.seed), prefix: rows.slice(-MANY), nMax: Math.max(model.nMax - rows.length, 24) });
    const condition = model.condition(state.word), sketcher = new Sketcher(model, condition, how());
    paper.clear();
    if (strokes.length) paper.show("reader", strokes);
    // Drawn once in advance with the same numbers, to know where on the paper it has to begin.
    const whole = strokes.length ? null : placed(fromStroke3(drawn(new Sketcher(model, condition, how()))), [20, 20, BOX - 20, BOX - 20], 1.2);
    const from = strokes.length ? strokes.at(-1).at(-1) : [whole.dx, whole.dy];
    state.hand = new Hand(paper, sketcher, { start: from, scale: whole ? whole.scale : scale });
    show();
    return true;
  }

  // What the network thinks of the next point.
  function show() {
    const { hand } = state, mixture = hand.source.look();
    paper.clear("over");
    for (let k = 0; k < mixture.n; k++) if (mixture.logPi[k] > Math.log(0.004)) paper.layers.over.append(ellipse(mixture, k, hand.at, hand.scale));
    paper.layers.over.append(svgElement("circle", { class: "sk-pen", cx: hand.at[0], cy: hand.at[1], r: 2.2 }));
    bars.forEach(({ bar, value }, i) => {
      bar.value = Math.exp(mixture.logPen[i]);
      value.textContent = percent(Math.exp(mixture.logPen[i]));
    });
  }

  // One point; false at the end.
  function forward() {
    const { hand } = state;
    try {
      if (hand.aim()) { hand.arrive(); hand.render(); show(); return true; }
    } catch (error) { hand.done = true; say(`${error.message}.`); }
    halt();
    paper.clear("over");
    say(`Done: ${state.word}. “Draw” begins another one.`);
    return false;
  }

  // A drawing to go on with; false where none came.
  async function ready() {
    if (state.hand && !state.hand.done) return true;
    if (state.hand) state.seed++;
    return begin();
  }

  async function run() {
    if (!(await ready())) return;
    state.running = true;
    start.textContent = "Pause";
    tick();
  }

  function tick() {
    if (state.running && forward()) state.timer = setTimeout(tick, 1000 / speed.value);
  }

  async function step() {
    halt();
    if (await ready()) forward();
  }

  root.append(paper.svg, element("div", { className: "sk-side" },
    element("p", { className: "sk-buttons" }, start, button("Step", step), button("New", () => { state.seed++; begin(); })),
    element("p", { className: "sk-choices" }, word.labelled, temperature.labelled, speed.labelled,
      element("label", {}, mine, " go on with my drawing from “Complete”")),
    element("div", { className: "sk-bars" }, ...bars.map((one) => one.row)), line));
  say(`“Draw” loads the network, ${megabytes(library.index[name].bytes)}, unless it is there already.`);
}
