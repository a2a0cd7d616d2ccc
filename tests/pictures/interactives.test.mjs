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
