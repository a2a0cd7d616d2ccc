// Complete: the reader begins, the network goes on. On the landing page it draws by itself until the reader takes the pen.

const GUESS = "guess";
const SMALLEST = 60; // a smaller beginning is read as one of so many units
const REST_MS = 1400; // between two drawings of the landing page
const MANY = 400; // rows of a beginning beyond which the network is told to be at a loss

// A beginning as the network reads it: stroke-3 rows, and how many units of the paper one of its units is.
function begunRows(strokes) {
  const side = longerSide(bounds(strokes)), size = clamp(side, SMALLEST, BOX);
  return { rows: toStroke3(simplify(strokes, size)), scale: side ? side / size : 1 };
}

// The share of each class that the beginning speaks for, by Bayes' rule with equal priors.
async function posterior(model, rows, isStale) {
  const logs = [];
  for (const word of model.classes) {
    logs.push(logLikelihood(model, model.condition(word), rows));
    await pause();
    if (isStale()) return null;
  }
  const shares = normalised(logs);
  return model.classes.map((word, i) => ({ word, share: shares[i] })).sort((a, b) => b.share - a.share);
}

function complete(root, library, { landing = false, widget = false, sent = () => {}, link = null } = {}) {
  const { line, say } = statusLine(), paper = new Paper("Paper: draw on it with mouse, pen, finger or keys");
  const reader = new ReadersPen(paper, { begin, change });
  const player = new Player({ fail: (error) => say(`${error.message}.`) });
  const state = { seed: 1, word: landing ? library.classes[0] : GUESS, network: library.names[0], version: 0, attract: landing, hands: [], guess: "" };
  const words = () => library.index[state.network].classes;

  const word = choice("class", [], (value) => { state.word = state.chosen = value; state.attract ? drawOne() : forget(); });
  const network = choice("network", library.names, (value) => { state.network = value; fillWords(); state.attract ? drawOne() : forget(); },
    library.names.map((name) => `${name} (${megabytes(library.index[name].bytes)})`));
  const temperature = temperatures(() => !state.attract && forget());
  const several = choice("continuations", ["1", "3", "6", "9"], () => !state.attract && forget());
  const go = button("Go on", () => goOn(), { className: "sk-main" });
  const again = button("Again", () => { state.seed++; state.attract ? drawOne() : goOn(); });
  const undo = button("Undo", undoOne), clear = button("Clear", clearAll), keep = button("Keep it", keepIt, { title: "Make the network's strokes yours" });
  const halt = button("Pause", toggle), take = button("Take the pen", takePen, { className: "sk-main" });
  const parts = () => [{ strokes: reader.strokes, by: "reader" }, { strokes: state.hands[0]?.strokes ?? [], by: "network" }];
  const toLink = () => writeLink({ word: state.word, network: state.network, seed: state.seed, temperature: temperature.value, strokes: reader.strokes });
  const saved = saving(() => ({ parts: parts(), word: state.drawn ?? (state.word === GUESS ? "" : state.word), link: toLink() }), say);

  function fillWords() {
    const names = library.index[state.network].latent || words().length < 2 ? words() : [GUESS, ...words()];
    if (!names.includes(state.word)) state.word = names[0];
    word.select.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    word.select.value = state.word;
  }

  // Take the network's strokes away; the reader's stay.
  function forget() {
    state.version++;
    player.stop();
    Object.assign(state, { hands: [], paused: false });
    paper.clear("faint", "network");
    halt.textContent = "Pause";
  }

  function begin() {
    if (state.attract) takePen();
    forget();
    say();
  }

  function change() {
    forget();
    sent(parts(), state.word === GUESS ? "" : state.word);
    if (state.word === GUESS && reader.strokes.length && library.ready[state.network]) guess();
  }

  // What the strokes speak for is worked out when a stroke has ended, so that it is there at the click.
  async function guess() {
    const { version } = state, { strokes } = reader, model = library.ready[state.network], before = state.guessed;
    const known = before?.strokes === strokes && before.model === model ? before.found : null;
    const { rows } = begunRows(strokes), found = known ?? (rows.length && await posterior(model, rows, () => version !== state.version));
    if (!found) return null;
    state.guessed = { strokes, model, found };
    state.guess = found.slice(0, 3).map((one) => `${one.word} ${percent(one.share)}`).join(", ");
    say(`The network takes this for: ${state.guess}.`);
    return found[0].word;
  }

  async function goOn() {
    forget();
    const { version } = state;
    if (!reader.strokes.length) return say("The paper is empty. Draw a line or two first, then press “Go on”.");
    const model = await obtained(library, state.network, say);
    if (!model || version !== state.version) return;
    const { rows, scale } = begunRows(reader.strokes);
    if (state.word === GUESS) say("The network guesses what this will be …");
    const drawn = state.word === GUESS ? await guess() : state.word;
    if (!drawn || version !== state.version) return;
    state.drawn = drawn;
    state.hands = handsFor(model, drawn, rows, scale);
    state.told = told(drawn, rows.length, model);
    say(state.told);
    if (await player.play(state.hands)) finished(drawn);
  }

  function told(drawn, n, model) {
    const seen = n > model.nMax ? `This is ${n} points after simplification, and the network knows drawings of ${model.nMax} at most: it may be at a loss. ` : "";
    return `${seen}${state.word === GUESS ? `The network takes this for: ${state.guess}. ` : ""}It goes on with: ${drawn}.`;
  }

  function handsFor(model, drawn, rows, scale) {
    const start = reader.strokes.at(-1).at(-1), seeds = Array.from({ length: Number(several.select.value) }, (_, i) => state.seed * 1009 + i);
    const condition = model.condition(drawn, normals(model.latentSize, state.seed));
    const nMax = Math.max(model.nMax - rows.length, 24);
    const first = new Sketcher(model, condition, { ...tempered(temperature.value), random: seeded(seeds[0]), prefix: rows.slice(-MANY), nMax });
    const sources = seeds.map((seed, i) => (i ? first.fork(seeded(seed)) : first)); // made before the first one moves
    return sources.map((source, i) => new Hand(paper, source, { start, scale, layer: i ? "faint" : "network" }));
  }

  function finished(drawn) {
    sent(parts(), drawn);
    const some = state.hands.some((hand) => hand.strokes.length), ends = state.hands.every((hand) => hand.source.finished);
    paper.say(`Paper: ${drawn}, begun by you and completed by the network`);
    if (!some) return say("The network has nothing to add: it takes this drawing for finished. “Again” asks once more.");
    say(`${state.told} Done${ends ? "" : ", at the longest that it may draw"}. “Again” draws another one; “Keep it” makes it yours to go on with.`);
  }

  function undoOne() {
    if (state.hands.length) return forget();
    say(reader.undo() ? "" : "There is nothing to undo.");
  }

  function clearAll() {
    forget();
    if (reader.strokes.length) { reader.set([]); say("Cleared. “Undo” brings your drawing back."); }
    paper.view(paper.home);
  }

  function keepIt() {
    const strokes = state.hands[0]?.strokes.filter((stroke) => stroke.length) ?? [];
    if (!strokes.length) return say("There is nothing to keep yet: press “Go on” first.");
    const half = ([x, y]) => [Math.round(2 * x) / 2, Math.round(2 * y) / 2];
    reader.set([...reader.strokes, ...strokes.map((stroke) => stroke.map(half))]);
  }

  // ---- the landing page: one class after another, until the reader takes the pen ----

  async function drawOne() {
    forget();
    const { version } = state, model = await obtained(library, state.network, say);
    if (!model || version !== state.version) return;
    say(`The network draws: ${state.word}`);
    const rows = await sketched(model, state.word, { seed: state.seed, ...tempered(temperature.value) });
    if (version !== state.version) return;
    paper.view(paper.home);
    const whole = placed(fromStroke3(rows), [20, 20, BOX - 20, BOX - 20], 1.2), start = [whole.dx, whole.dy];
    state.drawn = state.word;
    state.hands = [new Hand(paper, replay(rows), { start, scale: whole.scale, className: "sk-still" })];
    paper.say(`Paper: the network draws: ${state.word}`);
    if (await player.play(state.hands) && !CALM.matches) setTimeout(() => version === state.version && !state.paused && nextOne(), REST_MS);
  }

  function nextOne() {
    if (!state.attract) return;
    state.word = words()[(words().indexOf(state.word) + 1) % words().length];
    state.seed++;
    word.select.value = state.word;
    drawOne();
  }

  function toggle() {
    state.paused = !state.paused;
    halt.textContent = state.paused ? "Go on" : "Pause";
    if (state.paused) player.pause();
    else player.resolve ? player.resume() : nextOne();
  }

  function takePen() {
    if (state.attract) state.word = state.chosen ?? GUESS; // not the class that the network happened to draw
    state.attract = false;
    reader.touch = true;
    forget();
    root.classList.remove("sk-attract");
    for (const one of [take, halt]) one.hidden = true;
    for (const one of [go, undo, clear, keep]) one.hidden = false;
    say("The pen is yours: draw the beginning of something, then press “Go on”.");
    if (!library.ready[state.network]) library.get(state.network).catch(() => {}); // so that it is there when it is asked for
    fillWords();
  }

  function restore({ wrong, strokes, ...found }) {
    if (found.network && library.index[found.network]) state.network = network.select.value = found.network;
    else if (found.network) wrong.push(`there is no network ${JSON.stringify(found.network.slice(0, 30))} on this page`);
    fillWords();
    if ([...word.select.options].some((option) => option.value === found.word)) state.word = word.select.value = found.word;
    else if (found.word) wrong.push(`the network ${state.network} does not know the class ${JSON.stringify(found.word.slice(0, 30))}`);
    if (found.seed !== undefined) state.seed = found.seed;
    if (found.temperature !== undefined) temperature.set(found.temperature);
    if (strokes) { reader.show(strokes); strokes.flat().forEach((point) => paper.reach(point)); }
    if (wrong.length) say(`The link is broken: ${wrong.join(", and ")}. Ask for the link again, or go on with what is here.`);
    else if (strokes) goOn();
  }

  fillWords();
  const choices = [word.labelled, ...(library.names.length > 1 && (!landing || widget) ? [network.labelled] : []), ...(landing && !widget ? [] : [temperature.labelled, several.labelled])];
  root.append(paper.svg, element("div", { className: "sk-side" }, element("p", { className: "sk-buttons" }, take, halt, go, again, undo, clear, keep),
    element("p", { className: "sk-choices" }, ...choices), line, ...(widget ? [] : [saved])));
  root.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") { event.preventDefault(); undoOne(); }
  });
  for (const one of landing ? [go, undo, clear, keep] : [take, halt]) one.hidden = true;
  const fromLink = link && readLink(link);
  if (fromLink && landing) takePen();
  if (fromLink) restore(fromLink);
  else if (landing) { root.classList.add("sk-attract"); reader.touch = false; begunLanding(); }
  else say(`Draw the beginning of something, then press “Go on”. The network is ${megabytes(library.index[state.network].bytes)} and loads then.`);

  function begunLanding() {
    if (navigator.connection?.saveData) say(`Press “Again” to load the network, ${megabytes(library.index[state.network].bytes)}, and see it draw.`);
    else drawOne();
  }
  return { reader, takePen, stop: () => { state.paused = true; state.version++; player.stop(); } };
}
