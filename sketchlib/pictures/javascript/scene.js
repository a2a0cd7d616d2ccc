// Scene: a sentence becomes drawings side by side, placed by the offset tracker (sketchlib.pictures.scene).

const MOST = 24; // drawings of a scene
const NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
const ALSO_ONE = ["a", "an", "another", "the", "single"];
const FILLERS = ["and", "with", "beside", "under", "over", "near", "please", "draw", "then", "plus", "also", "of", "some"];
const SYNONYMS = { plane: "airplane", aeroplane: "airplane", jet: "airplane", clock: "alarm clock", alarm: "alarm clock", automobile: "car",
  kitty: "cat", kitten: "cat", piglet: "pig", hog: "pig", head: "face", sunshine: "sun" };
const PLURALS = { people: "person", mice: "mouse", geese: "goose", feet: "foot", leaves: "leaf", knives: "knife" };

// The forms under which a word may stand in the list of names: as it is, and without the plural's ending.
function singulars(word) {
  const forms = [word, PLURALS[word]];
  if (word.endsWith("ies")) forms.push(`${word.slice(0, -3)}y`);
  if (word.endsWith("es")) forms.push(word.slice(0, -2));
  if (word.endsWith("s")) forms.push(word.slice(0, -1));
  return forms.filter(Boolean);
}

function classNamed(words, classes) {
  const last = words.at(-1), before = words.slice(0, -1);
  const names = singulars(last).map((one) => [...before, one].join(" "));
  return names.find((name) => classes.includes(name)) ?? names.map((name) => SYNONYMS[name]).find((name) => classes.includes(name));
}

const numberOf = (word) => (/^\d{1,4}$/.test(word) ? Number(word) : ALSO_ONE.includes(word) ? 1 : NUMBERS.includes(word) ? NUMBERS.indexOf(word) : null);

// "two cats and an apple" as a list of classes; throws an error that names the word which is not understood.
function understood(sentence, classes) {
  const words = sentence.toLowerCase().replace(/[^\p{L}\p{N}-]+/gu, " ").trim().split(" ").filter(Boolean), out = [];
  if (!words.length) throw new Error(`There is no word in the sentence. Write, for example, “two ${classes[0]}s and a ${classes.at(-1)}”`);
  let count = null, i = 0;
  while (i < words.length) {
    const number = numberOf(words[i]);
    if (number !== null) { count = number; i++; continue; }
    const length = [3, 2, 1].find((n) => i + n <= words.length && classNamed(words.slice(i, i + n), classes));
    if (length) {
      out.push(...Array(Math.min(count ?? 1, MOST + 1)).fill(classNamed(words.slice(i, i + length), classes)));
      count = null;
      i += length;
    } else if (FILLERS.includes(words[i])) i++;
    else throw new Error(`“${words[i]}” is not among what this network draws. It knows: ${classes.join(", ")}`);
  }
  if (count !== null) throw new Error(`A number stands at the end without a name after it. Say of what: ${classes.join(", ")}`);
  if (!out.length) throw new Error(`The sentence asks for nothing. It may ask for: ${classes.join(", ")}`);
  if (out.length > MOST) throw new Error(`These are more than ${MOST} drawings. Ask for fewer`);
  return out;
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
      drawings.push(await sketched(model, one, { temperature: temperature.value, seed: state.seed * 1013 + i }));
      if (version !== state.version) return;
    }
    const some = drawings.filter((rows) => rows.length), places = composed(some);
    paper.clear();
    paper.view([-MARGIN, -MARGIN, Math.max(CANVAS, ...places.map((one) => one.corner[0] + one.size[0])) + MARGIN, Math.max(...places.map((one) => one.corner[1] + one.size[1])) + MARGIN]);
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
