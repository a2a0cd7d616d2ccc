// A drawing as a file or a link. All pictures are dark on white, whatever the page looks like.

const COLORS = { reader: "#222222", network: "#1f5fa8" };
const PIXELS = 512; // side of saved pictures

const around = (strokes) => {
  const [left, top, right, bottom] = bounds(strokes), side = Math.max(right - left, bottom - top, 1) * 1.12;
  return [(left + right - side) / 2, (top + bottom - side) / 2, side];
};

const escaped = (text) => text.replace(/[&<>"]/g, (mark) => `&#${mark.charCodeAt(0)};`);

// An SVG of parts [{strokes, by}]; `seconds` lets one stroke after the other appear, by animations that need no script.
function svgOf(parts, title, seconds = 0) {
  const [x, y, side] = around(parts.flatMap((part) => part.strokes)), total = Math.max(countPoints(parts.flatMap((part) => part.strokes)), 1);
  let begun = 0;
  const paths = parts.flatMap(({ strokes, by }) => inked(strokes).map((stroke) => {
    const begin = (seconds * begun) / total, lasts = Math.max((seconds * stroke.length) / total, 0.05);
    begun += stroke.length;
    const line = `<path d="${pathOf([stroke])}" stroke="${COLORS[by]}"`;
    if (!seconds) return `${line}/>`;
    const moves = `begin="${begin.toFixed(2)}s" dur="${lasts.toFixed(2)}s" fill="freeze"`;
    return `${line} pathLength="1" stroke-dasharray="1.1" stroke-dashoffset="1.1"><animate attributeName="stroke-dashoffset" from="1.1" to="0" ${moves}/></path>`;
  }));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${PIXELS}" height="${PIXELS}" viewBox="${x.toFixed(2)} ${y.toFixed(2)} ${side.toFixed(2)} ${side.toFixed(2)}">` +
    `<title>${escaped(title)}</title><rect x="${x.toFixed(2)}" y="${y.toFixed(2)}" width="100%" height="100%" fill="#ffffff"/>` +
    `<g fill="none" stroke-width="${(side / 110).toFixed(2)}" stroke-linecap="round" stroke-linejoin="round">${paths.join("")}</g></svg>`;
}

// A canvas of parts; `box`: left, top and side of what is seen.
function inkedCanvas(parts, [x, y, side], pixels) {
  const canvas = element("canvas", { width: pixels, height: pixels }), pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, pixels, pixels);
  pen.setTransform(pixels / side, 0, 0, pixels / side, (-x * pixels) / side, (-y * pixels) / side);
  Object.assign(pen, { lineWidth: side / 110, lineCap: "round", lineJoin: "round" });
  for (const { strokes, by } of parts) {
    pen.strokeStyle = COLORS[by];
    pen.stroke(new Path2D(pathOf(strokes)));
  }
  return canvas;
}

const pngOf = (parts) => new Promise((resolve) => inkedCanvas(parts, around(parts.flatMap((part) => part.strokes)), PIXELS).toBlob(resolve, "image/png"));

const FILM = { pixels: 320, frames: 32, hundredths: 10, rest: 150 }; // a frame takes a tenth of a second, the last one 1.5 s
const SHADES = 8; // of each ink, from white: lines of a film have soft edges
const INKS = Object.values(COLORS).map((color) => [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16)));
const PALETTE = INKS.flatMap((ink) => Array.from({ length: SHADES }, (_, i) => ink.map((value) => Math.round(255 - ((255 - value) * i) / (SHADES - 1)))));

// A picture's pixels as places in the palette: the network's ink is the one with more blue than red.
function shadesOf(rgba) {
  return Uint8Array.from({ length: rgba.length / 4 }, (_, i) => {
    const red = rgba[4 * i], ink = rgba[4 * i + 2] - red > 4 ? 1 : 0;
    return SHADES * ink + Math.min(Math.round(((255 - red) * (SHADES - 1)) / (255 - INKS[ink][0])), SHADES - 1);
  });
}

// The first `points` points of parts.
function firstOf(parts, points) {
  return parts.map(({ strokes, by }) => ({ by, strokes: strokes.map((stroke) => {
    const some = stroke.slice(0, Math.max(points, 0));
    points -= stroke.length;
    return some;
  }) }));
}

// A film in which the parts are drawn point by point.
function filmOf(parts) {
  const strokes = parts.flatMap((part) => part.strokes), box = around(strokes), total = countPoints(strokes), { pixels } = FILM;
  const n = Math.min(FILM.frames, total), frames = [];
  for (let i = 1; i <= n; i++) {
    const canvas = inkedCanvas(firstOf(parts, Math.round((total * i) / n)), box, pixels);
    const { data } = canvas.getContext("2d").getImageData(0, 0, pixels, pixels);
    frames.push({ indices: shadesOf(data), hundredths: i < n ? FILM.hundredths : FILM.rest });
  }
  return gifOf(frames, pixels, pixels, PALETTE);
}

// The drawing as sketchlib.strokes.from_stroke3 reads it; `by_reader`: how many of its rows the reader drew.
function jsonOf(parts, word) {
  const strokes = parts.flatMap((part) => part.strokes), rows = toStroke3(strokes).map((row) => row.map((value) => Math.round(value * 100) / 100));
  const mine = toStroke3(parts.filter((part) => part.by === "reader").flatMap((part) => part.strokes)).length;
  return JSON.stringify({ word, stroke3: rows, by_reader: mine });
}

function save(content, name, type) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// The buttons under "Save or share". `given()` says {parts, word, link}; parts is empty where there is nothing to save.
function saving(given, say) {
  const withParts = (act) => async () => {
    const { parts, word } = given(), name = (word || "drawing").replaceAll(" ", "-");
    if (countPoints(parts.flatMap((part) => part.strokes))) act(parts, name, word);
    else say("There is nothing to save yet: draw something first.");
  };
  const button = (text, label, act) => element("button", { type: "button", onclick: act, "aria-label": label }, text);
  const copy = async () => {
    location.hash = given().link;
    try { await navigator.clipboard.writeText(location.href); say("The link is copied; it is in the address bar too."); }
    catch { say("The link is in the address bar: copy it from there."); }
  };
  return element("details", { className: "sk-saving" }, element("summary", {}, "Save or share"), element("p", {},
    button("SVG", "Save as SVG", withParts((parts, name, word) => save(svgOf(parts, word || "a drawing"), `${name}.svg`, "image/svg+xml"))), " ",
    button("Animated SVG", "Save as animated SVG", withParts((parts, name, word) => save(svgOf(parts, word || "a drawing", 4), `${name}-animated.svg`, "image/svg+xml"))), " ",
    button("PNG", "Save as PNG", withParts(async (parts, name) => save(await pngOf(parts), `${name}.png`))), " ",
    button("GIF", "Save as GIF", withParts((parts, name) => save(filmOf(parts), `${name}.gif`, "image/gif"))), " ",
    button("stroke-3 JSON", "Save as stroke-3 JSON", withParts((parts, name, word) => save(jsonOf(parts, word), `${name}.json`, "application/json"))), " ",
    button("Link", "Put this drawing into a link", copy)));
}

// What a link says, in the fragment: class, network, seed, temperature, the reader's strokes; and what of it could not be read.
function readLink(fragment) {
  if (!/^#?\w=/.test(fragment)) return null;
  const values = new URLSearchParams(fragment.replace(/^#/, "")), wrong = [], found = {};
  const number = (key, low, high, name) => {
    if (!values.has(key)) return;
    const value = Number(values.get(key));
    if (values.get(key) !== "" && value >= low && value <= high) found[name] = value;
    else wrong.push(`its ${name} ${JSON.stringify(values.get(key).slice(0, 20))} is no number from ${low} to ${high}`);
  };
  number("t", 0, 2, "temperature");
  number("s", 0, 4294967295, "seed");
  for (const [key, name] of [["w", "word"], ["m", "network"]]) if (values.has(key)) found[name] = values.get(key);
  if (values.get("d")) {
    found.strokes = fromText(values.get("d"));
    if (!found.strokes) wrong.push("its drawing cannot be read");
  }
  return { ...found, wrong };
}

const writeLink = ({ word, network, seed, temperature, strokes }) =>
  new URLSearchParams({ w: word, m: network, s: seed, t: temperature, d: toText(strokes) }).toString();
