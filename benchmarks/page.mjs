// How fast the live page's script draws, without a browser. Called by page.py: node page.mjs SCRIPT WEIGHTS..., prints JSON.
// Milliseconds are of the processor, so that other work on the machine does not count.
import { readFileSync } from "node:fs";

const [script, ...files] = process.argv.slice(2);
const page = new Function(`${readFileSync(script, "utf8")}; return sketchpage;`)();
const now = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
const timed = (act) => { const begun = now(); const made = act(); return [now() - begun, made]; };
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const BEGINNING = Array.from({ length: 30 }, (_, i) => [20 * Math.cos(i / 3), 20 * Math.sin(i / 3), i % 10 === 9 ? 1 : 0]); // half a drawing

for (const file of files) {
  const [read, packed] = timed(() => { new Function("self", readFileSync(file, "utf8"))(globalThis); return Object.values(globalThis.sketchWeights).at(-1); });
  const [built, model] = timed(() => page.build(packed)), word = model.classes[0];
  const condition = () => model.condition(word, new Float32Array(model.latentSize));
  const sketcher = (seed, prefix = []) => new page.Sketcher(model, condition(), { temperature: 1, random: page.seeded(seed), prefix, nMax: 1e6 });
  const first = (seed) => timed(() => sketcher(seed, BEGINNING).next())[0];
  const guess = () => timed(() => model.classes.forEach((one) => page.logLikelihood(model, model.condition(one, condition()), BEGINNING)))[0];
  const points = (seed) => { // as many as ten drawings have
    let made = 0;
    const [spent] = timed(() => { for (let i = 0; i < 10; i++) { const one = sketcher(seed + i); for (let n = 0; n < 40 && one.next(); n++) made++; } });
    return (1000 * made) / spent;
  };
  const cold = first(1), seeds = [2, 3, 4, 5, 6];
  console.log(JSON.stringify({ file, classes: model.classes.length, read: read + built, cold, first: median(seeds.map(first)), guess: median(seeds.map(guess)),
    speed: median(seeds.map((seed) => points(100 * seed))) }));
}
