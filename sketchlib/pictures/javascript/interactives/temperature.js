// Chapter 7: one drawing at every temperature, with the same random numbers, and what the pen thought on the way.

const CHART = { width: 300, height: 84, least: 40 }; // the strip below the paper, and how many points fill it at least
const POINTS_A_SECOND = 24;
const SEEN = 0.004; // a component of less weight is not shown

function temperature(root, { word: first }, library) {
  const { line, say } = statusLine(), name = library.names.find((one) => !library.index[one].latent);
  if (!name) { root.append(line); return say("There is no network without a latent space here, so nothing can be drawn."); }
  const { classes, bytes } = library.index[name];
  const paper = new Paper("Paper: a drawing by the network"), chart = svgElement("svg", { class: "sk-chart", role: "img", viewBox: `0 0 ${CHART.width} ${CHART.height}` });
  const state = { seed: 3, word: classes.includes(first) ? first : classes[0], version: 0, made: null, at: 0, frame: 0, home: null };
  const word = choice("class", classes, (value) => { state.word = value; begin(); });
  const amount = (text, value, change) => slider(text, { min: 0.05, max: 1.5, step: 0.05, value, text: (one) => one.toFixed(2) }, change);
  const tau = amount("temperature τ", 0.3, () => { if (!own.checked) pens.set(tau.value); again(); });
  const pens = amount("the pen's τ", 0.3, () => { own.checked = true; again(); });
  const own = element("input", { type: "checkbox", onchange: () => { if (!own.checked) pens.set(tau.value); again(); } });
  const at = slider("point", { min: 0, max: 0, step: 1, value: 0 }, (value) => { halt(); state.at = value; show(); });
  const start = button(`Load and draw (${megabytes(bytes)})`, begin, { className: "sk-main" });
  const said = PEN_STATES.map((what, i) => ({ node: element("span", { className: `sk-key sk-pen-${i}` }), what }));
  word.select.value = state.word;

  const halt = () => { clearTimeout(state.frame); state.frame = 0; };

  // A drawing from the start: it settles where on the paper all that follow begin, and how large they are.
  async function begin() {
    halt();
    if (!(await obtained(library, name, say))) return;
    start.textContent = "Draw";
    state.home = null;
    if (await make()) play();
  }

  // The same random numbers at other temperatures; the whole drawing at once.
  async function again() {
    halt();
    if (library.ready[name] && (await make())) { state.at = state.made.points.length; show(); }
  }

  // False where something else was asked for meanwhile.
  async function make() {
    const version = ++state.version, model = library.ready[name], { points, ended } = await whole(model, model.condition(state.word),
      { temperature: tau.value, penTemperature: pens.value, random: seeded(state.seed) }, () => version === state.version);
    if (version !== state.version) return false;
    const rows = points.filter((one) => one.row).map((one) => one.row);
    if (!state.home) { const { scale, dx, dy } = placed(fromStroke3(rows), [30, 30, BOX - 30, BOX - 30], 1.2); state.home = { scale, start: [dx, dy] }; }
    Object.assign(state, { made: { points, rows, ended }, at: 0 });
    at.input.max = points.length;
    say(`“${state.word}” at temperature ${tau.value.toFixed(2)}, the pen's ${pens.value.toFixed(2)}: ${rows.length} points, ${ended ? "and it ends by itself" : "and it would go on: it was stopped"}.`);
    return true;
  }

  // Let it be drawn at a pace that can be followed; at once where little motion is asked for.
  function play() {
    if (CALM.matches || state.at >= state.made.points.length) { state.at = state.made.points.length; halt(); return show(); }
    state.at++;
    show();
    state.frame = setTimeout(play, 1000 / POINTS_A_SECOND);
  }

  // What is drawn after `at` choices, what the network thinks of the next, and what comes later.
  function show() {
    const { points, rows } = state.made, { scale, start: from } = state.home, n = Math.min(state.at, rows.length);
    const scaled = rows.map(([dx, dy, lift]) => [scale * dx, scale * dy, lift]), places = placesOf({ start: from, rows: scaled });
    paper.clear();
    paper.show("faint", fromStroke3(scaled, from));
    if (n) paper.show("network", fromStroke3(scaled.slice(0, n), from), "sk-still");
    if (state.at < points.length) {
      const { mixture } = points[state.at], here = places[n];
      for (let k = 0; k < mixture.n; k++) if (mixture.logPi[k] > Math.log(SEEN)) paper.layers.over.append(ellipse(mixture, k, here, scale * library.ready[name].scale));
      paper.layers.over.append(svgElement("circle", { class: "sk-pen", cx: here[0], cy: here[1], r: 2.6 }));
    }
    at.set(state.at);
    drawChart(chart, points.map((one) => one.mixture.logPen), state.at);
    const chosen = points[Math.min(state.at, points.length - 1)]?.mixture.logPen ?? [0, -Infinity, -Infinity];
    said.forEach(({ node, what }, i) => { node.textContent = `${what} ${percent(Math.exp(chosen[i]))}`; });
  }

  chart.addEventListener("pointerdown", (event) => { if (state.made) seek(event); });
  chart.addEventListener("pointermove", (event) => { if (state.made && event.buttons) seek(event); });
  function seek({ clientX }) {
    const { left, width } = chart.getBoundingClientRect(), n = state.made.points.length;
    halt();
    state.at = clamp(Math.floor(((clientX - left) / width) * Math.max(n, CHART.least)), 0, n);
    show();
  }

  root.append(element("div", { className: "sk-left" }, paper.svg, chart, element("p", { className: "sk-small" }, "The pen, point by point: ", ...said.flatMap(({ node }) => [node, " "]))),
    element("div", { className: "sk-side" }, element("p", { className: "sk-buttons" }, start, button("Other numbers", () => { state.seed++; begin(); })),
      element("p", { className: "sk-choices" }, word.labelled, tau.labelled, pens.labelled, element("label", {}, own, " the pen has its own"), at.labelled), line));
  said.forEach(({ node, what }) => { node.textContent = what; });
  chart.setAttribute("aria-label", "The pen's probabilities along the drawing: nothing is drawn yet");
  say(`“Load and draw” takes the network, ${megabytes(bytes)}, unless it is there already. Then move the temperature: the random numbers stay the same.`);
}

// A drawing and what was thought before each of its choices: points {mixture, row}, the last without a row where the end was chosen.
async function whole(model, condition, how, wanted) {
  const sketcher = new Sketcher(model, condition, how), points = [];
  while (sketcher.left > 0) {
    sketcher.look();
    const mixture = new Mixture(model.nMixtures).read(sketcher.raw, how.temperature, how.penTemperature), next = sketcher.next();
    points.push({ mixture, row: next && [next.dx, next.dy, next.pen] });
    if (!next) break;
    if (points.length % 8 === 0) { await pause(); if (!wanted()) break; }
  }
  return { points, ended: sketcher.finished };
}

// One state's column for each point, as a path.
const columnsOf = (stacks, i, step, level) => stacks.map((one, k) => {
  const [left, right, low, high] = [k * step, (k + 1) * step, level(one[i]), level(one[i + 1])].map((value) => value.toFixed(2));
  return `M${left} ${low}H${right}V${high}H${left}Z`;
}).join("");

// The three probabilities one above the other, a column a point, and where the pen is.
function drawChart(svg, logPens, at) {
  const { width, height, least } = CHART, step = width / Math.max(logPens.length, least), level = (share) => (1 - share) * height;
  const stacks = logPens.map(([on, lifts]) => [0, Math.exp(on), Math.exp(on) + Math.exp(lifts), 1]);
  svg.replaceChildren(...[0, 1, 2].map((i) => svgElement("path", { class: `sk-pen-${i}`, d: columnsOf(stacks, i, step, level) })),
    svgElement("path", { class: "sk-now", d: `M${Math.min(at, logPens.length) * step} 0V${height}` }));
  const surest = logPens.reduce((best, one, i) => (one[2] > logPens[best][2] ? i : best), 0);
  svg.setAttribute("aria-label", `The pen's probabilities along the drawing of ${logPens.length} choices; an end is likeliest at choice ${surest + 1}, ${percent(Math.exp(logPens[surest][2]))}`);
}
