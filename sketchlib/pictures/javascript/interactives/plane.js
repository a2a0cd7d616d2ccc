// Chapter 5: a plane through the latent space, and the drawing at the place to which the reader goes.

const DEVIATION = 40, EDGE = 2.5, PLACES = [-2, -1, 0, 1, 2]; // paper units to a standard deviation, how far the plane reaches, and its small drawings
const THUMB = 17; // half a small drawing's side, paper units

function plane(root, { word, examples }, library) {
  const { line, say } = statusLine(), name = library.names.find((one) => library.index[one].latent && library.index[one].classes[0] === word);
  if (!name) { root.append(line); return say(`There is no network with a latent space for “${word}” here.`); }
  const { bytes } = library.index[name], side = EDGE * DEVIATION;
  const map = new Board(`The plane in which drawings of a ${word} differ most`, [-side, -side, side, side]);
  const large = new Paper("Paper: the drawing at the chosen place"), state = { at: [0, 0], seed: 1, version: 0, filling: 0, plane: null };
  const small = svgElement("g", { class: "sk-thumbs", "aria-hidden": "true" }), dots = svgElement("g", { class: "sk-dots", "aria-hidden": "true" });
  const here = new Handle(map, "the place on the map", { className: "sk-here", radius: 5, step: 2, move: go, says: () => `${told(state.at)} standard deviations` });
  map.svg.append(small, dots, here.node);
  map.onEmpty(go);
  const temperature = slider("temperature", { min: 0.05, max: 1, step: 0.05, value: 0.1, text: (value) => value.toFixed(2) }, () => draw());
  const start = button(`Load and draw (${megabytes(bytes)})`, load, { className: "sk-main" });
  const told = ([x, y]) => `${signed(x / DEVIATION, 1)} and ${signed(y / DEVIATION, 1)}`;

  function go(place) {
    state.at = place;
    here.put(place);
    draw();
  }

  const zAt = ([x, y]) => {
    const { mean, axes } = state.plane, [a, b] = axes;
    return mixed(mixed(mean, 1, a.axis, (x / DEVIATION) * a.spread), 1, b.axis, (y / DEVIATION) * b.spread);
  };
  const decoded = (net, z) => fromStroke3(drawn(new Sketcher(net, z, { ...tempered(temperature.value), random: seeded(state.seed) })));

  async function draw() {
    const net = library.ready[name], version = ++state.version;
    await pause(); // several movements of one moment are one drawing
    if (!net || !state.plane || version !== state.version) return;
    const z = zAt(state.at), strokes = decoded(net, z), length = Math.sqrt(dot(z, z)), usual = Math.sqrt(z.length);
    large.clear();
    if (strokes.length) large.show("network", placed(strokes, [6, 6, BOX - 6, BOX - 6]).strokes, "sk-still");
    say(`The ${word} at ${told(state.at)} standard deviations. Its z has the length ${length.toFixed(1)}; one thrown by the prior has about ${usual.toFixed(1)}.`);
  }

  async function load() {
    const net = await obtained(library, name, say);
    if (!net) return;
    start.textContent = "Other noise";
    start.onclick = () => { state.seed++; draw(); fill(net); };
    const vectors = [];
    for (const strokes of examples) { vectors.push(encode(net, simplify(strokes))); await pause(); }
    state.plane = principalPlane(vectors);
    dots.replaceChildren(...vectors.map((z) => {
      const [x, y] = state.plane.axes.map(({ axis, spread }) => (DEVIATION * dot(mixed(z, 1, state.plane.mean, -1), axis)) / spread);
      return svgElement("circle", { cx: clamp(x, -side, side), cy: clamp(y, -side, side), r: 1.6 });
    }));
    await draw();
    fill(net);
  }

  // Small drawings at whole standard deviations, one after the other.
  async function fill(net) {
    const version = ++state.filling;
    small.replaceChildren();
    for (const y of PLACES) {
      for (const x of PLACES) {
        await pause();
        if (version !== state.filling) return;
        const cx = x * DEVIATION, cy = y * DEVIATION, strokes = decoded(net, zAt([cx, cy]));
        if (strokes.length) small.append(svgElement("path", { d: pathOf(placed(strokes, [cx - THUMB, cy - THUMB, cx + THUMB, cy + THUMB]).strokes) }));
      }
    }
  }

  root.append(element("div", { className: "sk-left" }, map.svg, element("p", { className: "sk-small" }, "Dots: where the project's own drawings lie, looked at from above.")),
    element("div", { className: "sk-side" }, large.svg, element("p", { className: "sk-buttons" }, start, button("To the middle", () => go([0, 0]))),
      element("p", { className: "sk-choices" }, temperature.labelled), line));
  here.put(state.at);
  say(`“Load and draw” takes the network, ${megabytes(bytes)}, unless it is there already. Then drag the ring over the map, or move it by the arrow keys.`);
}
