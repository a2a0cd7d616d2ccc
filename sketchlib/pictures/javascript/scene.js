// Scene: a sentence becomes drawings side by side, placed by the offset tracker (sketchlib.pictures.scene). The grammar is that of
// sketchlib.pictures.sentence; both are tested on the same sentences.

const MOST = 60; // drawings of a scene
const NUMBERS = ("one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen " +
  "nineteen twenty").split(" ");
const QUANTITIES = { ...Object.fromEntries(NUMBERS.map((word, i) => [word, i + 1])), a: 1, an: 1, the: 1 };
const UNITS = { couple: 2, pair: 2, pairs: 2, dozen: 12 }; // "a couple of cats", "two dozen suns"
const LINKS = [",", ".", ";", "!", "?", "and", "&", "plus", "with", "then"];
const IRREGULAR = { mouse: "mice", foot: "feet", tooth: "teeth", goose: "geese", man: "men", person: "people" };
const SYNONYMS = {
  airplane: ["aeroplane", "plane", "airliner", "jet"], "alarm clock": ["clock", "alarmclock"], apple: ["pippin"],
  candle: ["taper", "candlestick"], car: ["automobile", "auto", "motorcar"], cat: ["kitten", "kitty", "pussycat", "tomcat"],
  face: ["smiley", "smiley face"], pig: ["piglet", "piggy", "hog"], radio: ["radio set", "transistor radio"], sun: ["sunshine"],
};
const has = (table, word) => Object.hasOwn(table, word);

function plurals(name) {
  const words = name.split(" "), last = words.pop(), forms = [];
  if (has(IRREGULAR, last)) forms.push(IRREGULAR[last]);
  else if (/[^aeiou]y$/.test(last)) forms.push(`${last.slice(0, -1)}ies`);
  else if (/(s|x|z|ch|sh)$/.test(last)) forms.push(`${last}es`);
  else forms.push(`${last}s`, ...(last.endsWith("o") ? [`${last}es`] : []), ...(/fe?$/.test(last) ? [last.replace(/fe?$/, "ves")] : []));
  return forms.map((form) => [...words, form].join(" "));
}

// Every way to name a class -> [class, whether it is a plural]; a class's own name comes before a synonym.
function namesOf(classes) {
  const out = new Map(), put = (name, one, plural) => out.has(name) || out.set(name, [one, plural]);
  const singulars = classes.map((one) => [one.toLowerCase().replaceAll("_", " "), one]);
  for (const [name, one] of [...singulars]) singulars.push([name.replace(/^the /, ""), one]); // an article is a number
  for (const one of classes) for (const name of has(SYNONYMS, one) ? SYNONYMS[one] : []) singulars.push([name, one]);
  for (const [name, one] of singulars) put(name, one, false);
  for (const [name, one] of singulars) for (const plural of plurals(name)) put(plural, one, true);
  return out;
}

const numberOf = (word) => (has(QUANTITIES, word) ? QUANTITIES[word] : /^\d+$/.test(word) ? Number(word.slice(0, 9)) : null);

// The number that begins at a word, null where there is none, and where what follows begins.
function quantityAt(words, at) {
  if (words[at] === "the" && at + 1 < words.length && numberOf(words[at + 1]) !== null) at++; // "the two cats"
  let number = numberOf(words[at]);
  if (number !== null) at++;
  if (at < words.length && has(UNITS, words[at])) number = (number ?? 1) * UNITS[words[at++]];
  if (number !== null && words[at] === "of") at++;
  return [number, at];
}

// "two cats and an apple" as [[2, "cat"], [1, "apple"]]; throws an error that names the word which is not understood.
function readSentence(sentence, classes) {
  const words = sentence.toLowerCase().match(/[^\s,.;!?&]+|[,.;!?&]/g) ?? [], names = namesOf(classes), found = [];
  const longest = Math.max(...[...names.keys()].map((name) => name.split(" ").length)), known = classes.join(", ");
  const lengths = Array.from({ length: longest }, (_, i) => longest - i); // the longest name first
  const nameAt = (at) => lengths.find((n) => at + n <= words.length && names.has(words.slice(at, at + n).join(" ")));
  const begins = (at) => LINKS.includes(words[at]) || has(UNITS, words[at]) || numberOf(words[at]) !== null || nameAt(at);
  const unknownTo = (at) => { do at++; while (at < words.length && !begins(at)); return at; };
  for (let at = 0; at < words.length;) {
    if (LINKS.includes(words[at])) { at++; continue; }
    const begin = at, [number, next] = quantityAt(words, at);
    const length = nameAt(next);
    if (!length && (next === words.length || LINKS.includes(words[next]))) throw new Error(`“${words.slice(begin, next).join(" ")}” of what? Name a class after it: ${known}`);
    if (!length) throw new Error(`“${words.slice(next, unknownTo(next)).join(" ")}” is not understood. A sentence is numbers and classes, of which there are ${known}`);
    const [word, plural] = names.get(words.slice(next, next + length).join(" "));
    found.push([number ?? (plural ? 2 : 1), word]);
    at = next + length;
  }
  if (!found.length) throw new Error("The sentence names nothing to draw: say what and how many, such as “two cats and an apple”");
  return found;
}

// The classes of a sentence, one by one.
function understood(sentence, classes) {
  const found = readSentence(sentence, classes), total = found.reduce((sum, [number]) => sum + number, 0);
  if (total > MOST || found.some(([number]) => number < 1)) throw new Error(`The sentence asks for ${total.toLocaleString("en")} drawings: ask for 1 to ${MOST} in all, and none of them 0`);
  return found.flatMap(([number, word]) => Array(number).fill(word));
}

const GAP = 4, WIDEST = 1.4, SPACING = 1.3, HEIGHT = 200, CANVAS = 900; // data units, as in sketchlib.pictures.scene

// Where drawings of these sizes go: to the right of the last one, or at the left of a new row when the canvas is full.
function corners(sizes, { spacing = SPACING, width = CANVAS } = {}) {
  const distance = (extent) => Math.max(extent * (spacing - 1), GAP), heights = [0];
  let x = 0, y = 0;
  const places = sizes.map(([wide, high]) => {
    if (x > 0 && x + wide > width) {
      const row = heights.at(-1);
      y += row + distance(row); x = 0; heights.push(0);
    }
    const corner = { x, y, row: heights.length - 1 };
    x += wide + distance(wide);
    heights[corner.row] = Math.max(heights[corner.row], high);
    return corner;
  });
  return { places, heights };
}

// Drawings (stroke-3 rows) on one canvas, standing on the bottoms of their rows: a start and a scale for each.
function composed(drawings) {
  const boxes = drawings.map((rows) => bounds(fromStroke3(rows)));
  const scales = boxes.map(([left, top, right, bottom]) => Math.min(HEIGHT / Math.max(bottom - top, 1e-6), (WIDEST * HEIGHT) / Math.max(right - left, 1e-6)));
  const sizes = boxes.map((box, i) => [scales[i] * (box[2] - box[0]), scales[i] * (box[3] - box[1])]), { places, heights } = corners(sizes);
  return boxes.map((box, i) => {
    const down = heights[places[i].row] - sizes[i][1];
    return { scale: scales[i], start: [places[i].x - scales[i] * box[0], places[i].y + down - scales[i] * box[1]], size: sizes[i], corner: [places[i].x, places[i].y + down] };
  });
}

function scene(root, library) {
  const { line, say } = statusLine(), name = library.names[0], { classes } = library.index[name];
  const paper = new Paper("Paper: a scene", { width: 900, height: 420 }), player = new Player({ pace: 2.2 * PACE, fail: (error) => say(`${error.message}.`) });
  const sentence = element("input", { type: "text", value: `two ${classes[0]}s and a ${classes.at(-1)}`, maxLength: 300, "aria-label": "sentence" });
  if (classes.includes("cat") && classes.includes("apple")) sentence.value = "two cats, an apple and the sun";
  const inTurn = choice("drawn", ["in turn", "together"], () => {}), temperature = temperatures();
  const state = { seed: 1, version: 0, hands: [] };
  const saved = saving(() => ({ parts: [{ strokes: state.hands.flatMap((hand) => hand.strokes), by: "network" }], word: "scene", link: "" }), say);
  saved.querySelector("button:last-child").remove();

  async function draw() {
    player.stop();
    const version = ++state.version;
    let words;
    try { words = understood(sentence.value, classes); } catch (error) { return say(`${error.message}.`); }
    const model = await obtained(library, name, say);
    if (!model || version !== state.version) return;
    const drawings = [];
    for (const [i, one] of words.entries()) {
      say(`Thinking of ${i + 1} of ${words.length}: ${one}`);
      drawings.push(await sketched(model, one, { ...tempered(temperature.value), seed: state.seed * 1013 + i }));
      if (version !== state.version) return;
    }
    const some = drawings.filter((rows) => rows.length), places = composed(some);
    paper.clear();
    paper.view([-MARGIN, -MARGIN, Math.max(CANVAS / 2, ...places.map((one) => one.corner[0] + one.size[0])) + MARGIN, Math.max(...places.map((one) => one.corner[1] + one.size[1])) + MARGIN]);
    state.hands = places.map(({ start, scale }, i) => new Hand(paper, replay(some[i]), { start, scale }));
    paper.say(`Paper: a scene: ${sentence.value}`);
    say(`Drawing: ${words.join(", ")}.`);
    if (await player.play(state.hands, inTurn.select.value === "in turn")) say(`Drawn: ${words.join(", ")}.`);
  }

  sentence.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); draw(); } });
  root.append(element("p", { className: "sk-buttons" }, sentence, button("Draw the scene", draw, { className: "sk-main" }), button("Again", () => { state.seed++; draw(); })),
    paper.svg, element("p", { className: "sk-choices" }, inTurn.labelled, temperature.labelled), line, saved);
  root.classList.add("sk-wide");
  say(`A sentence of numbers and names: ${classes.join(", ")}.`);
}
