// Between: two drawings at the ends of a slider, the ones between them drawn with the same noise, and a map of the latent plane.

const STEPS = 7, MAP_SIDE = 5; // drawings in the strip, and along a side of the map

const dot = (a, b) => a.reduce((sum, value, k) => sum + value * b[k], 0);
const mixed = (a, x, b, y = 1) => a.map((value, k) => x * value + y * b[k]);

// The two directions in which vectors differ most, by power iteration; each as {axis, spread}.
function principalPlane(vectors) {
  const n = vectors.length, mean = vectors.reduce((sum, one) => mixed(sum, 1, one, 1 / n), new Float32Array(vectors[0].length));
  let rest = vectors.map((one) => mixed(one, 1, mean, -1));
  const axes = [1, 2].map((seed) => {
    let axis = normals(mean.length, seed);
    for (let i = 0; i < 60; i++) {
      axis = rest.reduce((sum, one) => mixed(sum, 1, one, dot(one, axis)), new Float32Array(mean.length));
      const length = Math.sqrt(dot(axis, axis)) || 1;
      axis = axis.map((value) => value / length);
    }
    const along = rest.map((one) => dot(one, axis));
    rest = rest.map((one, i) => mixed(one, 1, axis, -along[i]));
    return { axis, spread: Math.sqrt(dot(along, along) / n) || 1 };
  });
  return { mean, axes };
}

function between(root, library, { examples = {}, beginning = () => [] } = {}) {
  const names = library.names.filter((name) => library.index[name].latent && examples[library.index[name].classes[0]]);
  const { line, say } = statusLine();
  if (!names.length) { root.append(line); return say("This book was built without models that have a latent space, so there is nothing between two drawings."); }
  const state = { name: names[0], seed: 1, version: 0, map: 0, ends: [null, null] };
  const model = choice("class", names, (value) => { state.name = value; change(); }, names.map((name) => `${library.index[name].classes[0]} (${megabytes(library.index[name].bytes)})`));
  const large = new Paper("Paper: a drawing between the two"), temperature = slider("temperature", { min: 0, max: 1, step: 0.05, value: 0.1, text: (value) => value.toFixed(2) }, () => draw());
  const share = slider("from left to right", { min: 0, max: 1, step: 0.02, value: 0.5, text: percent }, () => draw());
  const strip = element("div", { className: "sk-strip" }), map = element("div", { className: "sk-map", role: "group", "aria-label": "map of the latent plane" });
  const sides = [0, 1].map(end);

  // One end: a small paper to draw on, or one of the project's drawings.
  function end(i) {
    const paper = new Paper(`Paper: the drawing at the ${i ? "right" : "left"} end`);
    const pen = new ReadersPen(paper, { begin: () => { if (given) { given = false; pen.strokes = []; paper.clear("reader"); } }, change: () => changed() });
    let given = true, number = i;
    const changed = () => { state.ends[i] = null; draw(); };
    const put = (strokes, isGiven) => { paper.clear(); pen.show(placed(strokes, [8, 8, BOX - 8, BOX - 8]).strokes); given = isGiven; changed(); };
    const next = () => { const all = examples[library.index[state.name].classes[0]]; put(all[number++ % all.length], true); };
    const mine = () => { const strokes = beginning(); strokes.length ? put(strokes, false) : say("Nothing is drawn under “Complete” yet: draw there, or on the small paper here."); };
    const node = element("figure", { className: "sk-end" }, paper.svg, element("figcaption", {}, button("Another", next), " ", button("Mine", mine), " ", button("Clear", () => { pen.set([]); })));
    return { node, next, strokes: () => pen.strokes, given: () => given };
  }

  function change() {
    state.ends = [null, null];
    sides.forEach((side) => side.given() && side.next());
    draw();
  }

  // z of both ends; null, with a sentence, where one has no movement to encode.
  function encoded(net) {
    for (const i of [0, 1]) {
      state.ends[i] ??= encode(net, simplify(sides[i].strokes()));
      if (!state.ends[i]) { say(`The paper at the ${i ? "right" : "left"} end is empty: draw on it, or press “Another”.`); return null; }
    }
    return state.ends;
  }

  const noise = () => ({ ...tempered(temperature.value), random: seeded(state.seed) }); // the same for every drawing
  const decoded = (net, z) => fromStroke3(drawn(new Sketcher(net, z, noise())));
  const word = () => library.index[state.name].classes[0];

  function show(paper, strokes, className = "sk-still") {
    paper.clear();
    if (strokes.length) paper.show("network", placed(strokes, [6, 6, BOX - 6, BOX - 6]).strokes, className);
  }

  async function draw() {
    if (!library.ready[state.name]) return;
    const version = ++state.version, net = library.ready[state.name];
    await pause(); // several inputs of one moment are one drawing
    if (version !== state.version) return;
    const ends = encoded(net);
    if (!ends) return;
    say(`The ${word()}, ${percent(share.value)} of the way.`);
    const strokes = decoded(net, slerp(...ends, share.value));
    show(large, strokes);
    if (!strokes.length) say("The network ends this drawing before its first point; move the slider.");
    await pause();
    if (version === state.version) fillStrip(net, ends, version);
  }

  async function fillStrip(net, ends, version) {
    const papers = Array.from({ length: STEPS }, (_, i) => new Paper(`${percent(i / (STEPS - 1))} of the way`));
    strip.replaceChildren(...papers.map((paper) => paper.svg));
    for (const [i, paper] of papers.entries()) {
      show(paper, decoded(net, slerp(...ends, i / (STEPS - 1))));
      await pause();
      if (version !== state.version) return;
    }
  }

  async function load() {
    const net = await obtained(library, state.name, say);
    if (!net) return;
    draw();
    fillMap(net);
  }

  // Drawings at places of the plane in which the project's own drawings of the class differ most.
  async function fillMap(net) {
    const version = ++state.map, vectors = [];
    for (const strokes of examples[word()]) { vectors.push(encode(net, simplify(strokes))); await pause(); }
    const { mean, axes } = principalPlane(vectors), places = Array.from({ length: MAP_SIDE }, (_, i) => (4 * i) / (MAP_SIDE - 1) - 2);
    map.replaceChildren();
    for (const y of places) {
      for (const x of places) {
        if (version !== state.map) return;
        const z = mixed(mixed(mean, 1, axes[0].axis, x * axes[0].spread), 1, axes[1].axis, y * axes[1].spread), strokes = decoded(net, z);
        const paper = new Paper(`${word()} at ${x}, ${y}`);
        show(paper, strokes);
        map.append(button("", () => { state.version++; show(large, strokes); say(`The ${word()} at ${x} and ${y} standard deviations on the map.`); }, { "aria-label": `show the ${word()} at ${x}, ${y}` }));
        map.lastChild.append(paper.svg);
        await pause();
      }
    }
  }

  const start = button("Load and draw", load, { className: "sk-main" });
  root.append(element("p", { className: "sk-choices" }, model.labelled, start, button("Other noise", () => { state.seed++; draw(); if (library.ready[state.name]) fillMap(library.ready[state.name]); })),
    element("div", { className: "sk-ends" }, sides[0].node, large.svg, sides[1].node),
    element("p", { className: "sk-choices" }, share.labelled, temperature.labelled), strip, line, element("p", {}, "A map: the two directions in which encoded drawings of the class differ most, from two standard deviations below their middle to two above. Press a drawing to see it large."), map);
  root.classList.add("sk-wide");
  sides.forEach((side) => side.next());
  say(`Choose two drawings, or draw on the small papers. The network of a class is ${megabytes(library.index[state.name].bytes)} and loads when you press “Load and draw”.`);
}
