// Run by test_live_page.py, which writes the fixtures with torch: node --test with SKETCH_SCRIPT and SKETCH_FIXTURES set.
import assert from "node:assert";
import { readFileSync } from "node:fs";
import test from "node:test";

const page = new Function(`${readFileSync(process.env.SKETCH_SCRIPT, "utf8")}; return sketchpage;`)();
const fixtures = JSON.parse(readFileSync(process.env.SKETCH_FIXTURES, "utf8"));

function near(found, expected, tolerance = 1e-4) {
  assert.strictEqual(found.length, expected.length);
  [...found].forEach((value, i) => assert.ok(Math.abs(value - expected[i]) <= tolerance * Math.max(1, Math.abs(expected[i])),
    `${i}: ${value} is not ${expected[i]}`));
}

// Random numbers in the order in which torch's drawing took them.
function given(rows) {
  const uniform = rows.flatMap(([u]) => u), normal = rows.flatMap(([, n]) => n);
  return { uniform: () => uniform.shift(), normal: () => normal.shift() };
}

for (const one of fixtures.models) {
  const model = page.build(one.packed);
  const condition = () => model.condition(one.word, one.z && new Float32Array(one.z));

  test(`${one.name}: the parameters and the state are torch's`, () => {
    const state = model.decoder.start(condition());
    one.rows.forEach((row, t) => near(model.decoder.step(new Float32Array(row), state), one.parameters[t]));
    for (const [part, values] of Object.entries(one.state)) {
      if (!Array.isArray(values[0])) near(state[part], values);
      else values.forEach((layer, i) => near(state[part][i].subarray(0, layer.length), layer)); // a cache has room for more
    }
  });

  test(`${one.name}: a copy of a state goes its own way`, () => {
    const state = model.decoder.start(condition());
    model.decoder.step(new Float32Array(one.rows[0]), state);
    const copy = model.decoder.copy(state);
    const expected = model.decoder.step(new Float32Array(one.rows[1]), state).slice();
    model.decoder.step(new Float32Array(one.rows[2]), state);
    near(model.decoder.step(new Float32Array(one.rows[1]), copy), expected, 0);
  });

  for (const { temperature, penTemperature, beginning: prefix, random, stroke3 } of one.drawings) {
    test(`${one.name}: a whole drawing at temperature ${temperature} after ${prefix.length} rows is torch's`, () => {
      const sketcher = new page.Sketcher(model, condition(), { temperature, penTemperature, random: given(random), prefix, ended: true });
      const rows = page.drawn(sketcher);
      assert.strictEqual(rows.length, stroke3.length);
      rows.forEach((row, i) => near(row, stroke3[i]));
    });
  }

  test(`${one.name}: log p of a beginning is torch's`, () => {
    near([page.logLikelihood(model, condition(), one.beginning)], [one.logLikelihood]);
  });

  if (one.mu) test(`${one.name}: the encoder's mean is torch's`, () => near(page.encode(model, one.drawing), one.mu));
}

test("strokes are simplified as the data was", () => {
  for (const { raw, simple } of fixtures.simplified) assert.deepStrictEqual(page.simplify(raw), simple);
});

test("strokes become rows and back", () => {
  for (const { simple, stroke3 } of fixtures.simplified) {
    assert.deepStrictEqual(page.toStroke3(simple), stroke3);
    if (simple.length && simple[0].length > 1) assert.deepStrictEqual(page.fromStroke3(stroke3, simple[0][0]), simple);
  }
});

test("strokes travel in a link, and garbage does not", () => {
  const strokes = [[[0, 0.5], [-3, 254]], [[7, 7]]];
  assert.deepStrictEqual(page.fromText(page.toText(strokes)), strokes);
  for (const text of ["", "1", "1.2.3", "a.b", "1.2_", "NaN.2", "1e9.2", "%00", "1.2__3.4"]) assert.strictEqual(page.fromText(text), null);
});

test("a seed's numbers are the same again, between 0 and 1, and normal", () => {
  const [one, other] = [page.seeded(7), page.seeded(7)];
  const values = Array.from({ length: 20000 }, () => one.uniform());
  assert.deepStrictEqual(values, Array.from({ length: 20000 }, () => other.uniform()));
  assert.ok(values.every((value) => value >= 0 && value < 1));
  const normal = Array.from({ length: 20000 }, () => one.normal());
  const mean = normal.reduce((a, b) => a + b) / normal.length, square = normal.reduce((a, b) => a + b * b) / normal.length;
  assert.ok(Math.abs(mean) < 0.03 && Math.abs(square - 1) < 0.05);
});

test("pens that part from one beginning share it and differ after it", () => {
  const model = page.build(fixtures.models[0].packed), word = fixtures.models[0].word;
  const first = new page.Sketcher(model, model.condition(word), { temperature: 1, random: page.seeded(1), prefix: [[5, 5, 0], [9, -2, 1]] });
  const second = first.fork(page.seeded(1)), third = first.fork(page.seeded(2));
  const rows = page.drawn(first);
  assert.deepStrictEqual(page.drawn(second), rows);
  assert.notDeepStrictEqual(page.drawn(third), rows);
});

test("sentences are read as in Python", () => {
  for (const [sentence, expected] of fixtures.sentences.read) assert.deepStrictEqual(page.readSentence(sentence, fixtures.classes), expected);
  const plain = (text) => text.replaceAll(/[“”']/g, "");
  for (const [sentence, said] of Object.entries(fixtures.sentences.refused)) {
    assert.throws(() => page.understood(sentence, fixtures.classes), (error) => plain(error.message).includes(plain(said)), sentence);
  }
});

test("drawings of a scene do not overlap and stand on the bottoms of their rows", () => {
  const drawings = Array.from({ length: 9 }, (_, i) => [[10 + 3 * i, 0, 0], [0, 40 - 2 * i, 0], [-5, i, 1]]);
  const boxes = page.composed(drawings).map(({ corner: [x, y], size: [wide, high] }) => [x, y, x + wide, y + high]);
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => assert.ok(a[2] < b[0] || b[2] < a[0] || a[3] < b[1] || b[3] < a[1])));
  for (const y of new Set(boxes.map((box) => Math.round(box[3])))) assert.ok(boxes.filter((box) => Math.round(box[3]) === y).length > 1);
});

test("a link brings everything back, and says what of it is broken", () => {
  const text = page.writeLink({ word: "alarm clock", network: "single", seed: 7, temperature: 0.35, strokes: [[[1, 2.5], [3, 4]]] });
  assert.deepStrictEqual(page.readLink(`#${text}`), { word: "alarm clock", network: "single", seed: 7, temperature: 0.35, strokes: [[[1, 2.5], [3, 4]]], wrong: [] });
  for (const plain of ["", "#", "#complete", "#a-heading"]) assert.strictEqual(page.readLink(plain), null);
  const { wrong } = page.readLink("#t=hot&s=-1&d=%%%&w=%E0%A4%A");
  assert.strictEqual(wrong.length, 3);
  assert.strictEqual(page.readLink("#t=NaN&s=1e99").wrong.length, 2);
});
