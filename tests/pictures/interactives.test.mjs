// Run by test_interactives.py, which writes the fixtures with torch: node --test with SKETCH_FOLDER set.
import assert from "node:assert";
import { readFileSync } from "node:fs";
import test from "node:test";

const folder = process.env.SKETCH_FOLDER, fixtures = JSON.parse(readFileSync(`${folder}/fixtures.json`, "utf8"));
const script = (name) => new Function(`${readFileSync(`${folder}/${name}.txt`, "utf8")}; return sketch_${name};`)();

function near(found, expected, tolerance = 1e-4) {
  assert.strictEqual(found.length, expected.length);
  [...found].forEach((value, i) => assert.ok(Math.abs(value - expected[i]) <= tolerance * Math.max(1, Math.abs(expected[i])),
    `${i}: ${value} is not ${expected[i]}`));
}

const mixture = script("hills");

fixtures.hills.forEach(({ hills, places, side, nll, shares, gradients, cells }, number) => {
  test(`mixture ${number}: nats, responsibilities and slopes are torch's`, () => {
    near(places.map(([x, y]) => mixture.nll(hills, x, y)), nll);
    places.forEach(([x, y], i) => {
      near(mixture.shares(hills, x, y), shares[i]);
      for (const [name, values] of Object.entries(gradients[i])) near(mixture.gradient(hills, x, y).map((one) => one[name]), values);
    });
  });

  test(`mixture ${number}: nats on the grid are torch's`, () => near(places.map(([x, y]) => mixture.cellNll(hills, x, y, side)), cells));

  test(`mixture ${number}: a step downhill never costs more`, () => {
    for (const [x, y] of places) {
      let found = hills;
      for (let i = 0; i < 5; i++) {
        const next = mixture.stepped(found, x, y, (hill) => hill);
        assert.ok(mixture.nll(next, x, y) < mixture.nll(found, x, y));
        found = next;
      }
    }
  });
});

test("rows lead to the places that they were made of", () => {
  for (const { start, rows, places } of fixtures.rows) assert.deepStrictEqual(script("rows").placesOf({ start, rows }), places);
});

test("a drawing at a temperature is the live page's with these random numbers, and every choice is kept with it", async () => {
  const page = script("temperature"), model = page.build(fixtures.packed), condition = model.condition("cat");
  for (const temperature of [0.3, 1]) {
    const how = () => ({ temperature, penTemperature: 0.7, random: page.seeded(5) });
    const { points, ended } = await page.whole(model, condition, how(), () => true);
    const rows = points.filter((one) => one.row).map((one) => one.row);
    assert.deepStrictEqual(rows, page.drawn(new page.Sketcher(model, condition, how())));
    assert.strictEqual(points.length, rows.length + ended);
    for (const { mixture } of points) near([mixture.logPen.reduce((sum, log) => sum + Math.exp(log), 0)], [1]);
  }
});

test("the plane's axes are at right angles, of length one, the wider first", () => {
  const { principalPlane } = script("plane"), vectors = [[3, 0, 0.1], [-3, 0.5, 0], [0, 1, 0], [0.2, -1.2, 0]].map((one) => new Float32Array(one));
  const [a, b] = principalPlane(vectors).axes, dot = (x, y) => x.reduce((sum, value, k) => sum + value * y[k], 0);
  near([dot(a.axis, a.axis), dot(b.axis, b.axis), dot(a.axis, b.axis)], [1, 1, 0], 1e-3);
  assert.ok(a.spread > b.spread);
});

test("each is a module that renders, as a notebook loads it", async () => {
  for (const name of ["rows", "hills", "plane", "temperature"]) assert.strictEqual(typeof (await import(`${folder}/${name}.mjs`)).default.render, "function");
});
