// Drawings: strokes are arrays of points [x, y], y down. What is done to a reader's strokes is what was done to the data (sketchlib.strokes).

const BOX = 255; // side of the data's box, data units
const EPSILON = 2; // tolerance of the data's simplification, data units
const TIE = 1e-9; // distances that differ by less are equal, as in sketchlib.polylines

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const finite = (point) => Number.isFinite(point[0]) && Number.isFinite(point[1]);
const inked = (strokes) => strokes.filter((stroke) => stroke.length);
const countPoints = (strokes) => strokes.reduce((sum, stroke) => sum + stroke.length, 0);

// Left, top, right, bottom; zeros where there is no point.
function bounds(strokes) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const stroke of strokes) {
    for (const [x, y] of stroke) {
      box[0] = Math.min(box[0], x); box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x); box[3] = Math.max(box[3], y);
    }
  }
  return countPoints(strokes) ? box : [0, 0, 0, 0];
}

const longerSide = ([left, top, right, bottom]) => Math.max(right - left, bottom - top);

function fitted(strokes, size = BOX) {
  const box = bounds(strokes), side = Math.max(longerSide(box), TIE);
  return strokes.map((stroke) => stroke.map(([x, y]) => [(x - box[0]) * size / side, (y - box[1]) * size / side]));
}

// Points one unit apart along a stroke; of those on a straight piece only the first and the last, as sketchlib.polylines.spaced makes them.
function spaced(stroke) {
  const out = [], last = stroke.length - 1;
  let begin = 0;
  for (let i = 0; i < last; i++) {
    const [x, y] = stroke[i], dx = stroke[i + 1][0] - x, dy = stroke[i + 1][1] - y;
    const length = Math.hypot(dx, dy), end = begin + length, from = Math.ceil(begin), to = Math.floor(end);
    const put = (at) => { const share = (at - begin) / (length || 1); out.push([x + dx * share, y + dy * share]); };
    if (from <= to) put(from);
    if (from < to) put(to);
    begin = end;
  }
  if (last === 0) out.push(stroke[0]);
  out.push(stroke[last]);
  return out;
}

// The point between two others that is farthest from the line through them, the first of equals, and how far it is.
function farthest(points, first, last) {
  const [x0, y0] = points[first], dx = points[last][0] - x0, dy = points[last][1] - y0, length = Math.hypot(dx, dy);
  const away = ([x, y]) => (length ? Math.abs((x - x0) * dy - (y - y0) * dx) / length : Math.hypot(x - x0, y - y0));
  let most = 0;
  for (let i = first + 1; i < last; i++) most = Math.max(most, away(points[i]));
  for (let i = first + 1; i < last; i++) if (away(points[i]) >= most - TIE) return [i, most];
  return [first, most];
}

// What Ramer-Douglas-Peucker keeps of a stroke, measured to the infinite line through the ends of a part.
function reduced(points, epsilon = EPSILON) {
  const keep = new Uint8Array(points.length), parts = [[0, points.length - 1]];
  keep[0] = keep[points.length - 1] = 1;
  while (parts.length) {
    const [first, last] = parts.pop();
    if (last - first < 2) continue;
    const [middle, distance] = farthest(points, first, last);
    if (distance <= epsilon + TIE) continue;
    keep[middle] = 1;
    parts.push([first, middle], [middle, last]);
  }
  return points.filter((_, i) => keep[i]);
}

// Halves go to the even neighbour, as numpy rounds.
function round(value) {
  const below = Math.floor(value), rest = value - below;
  return rest === 0.5 ? below + (below % 2 === 0 ? 0 : 1) : Math.round(value);
}

// The data's recipe: fit to a box (the data's own has 255 units), resample at 1 unit, simplify, round.
function simplify(strokes, size = BOX, epsilon = EPSILON) {
  return fitted(inked(strokes), size).map((stroke) => reduced(spaced(stroke), epsilon).map(([x, y]) => [round(x), round(y)]));
}

// Strokes to rows dx, dy, lift; the first point is the origin and left out, a first stroke of one point becomes a row (0, 0, 1).
function toStroke3(strokes) {
  const rows = [];
  let before = null;
  inked(strokes).forEach((stroke, number) => {
    const points = number === 0 && stroke.length === 1 ? [stroke[0], stroke[0]] : stroke;
    points.forEach((point, i) => {
      if (before) rows.push([point[0] - before[0], point[1] - before[1], i === points.length - 1 ? 1 : 0]);
      before = point;
    });
  });
  return rows;
}

function fromStroke3(rows, start = [0, 0]) {
  if (!rows.length) return [];
  const strokes = [[start]];
  let [x, y] = start;
  rows.forEach(([dx, dy, lift], i) => {
    strokes.at(-1).push([x += dx, y += dy]);
    if (lift && i < rows.length - 1) strokes.push([]);
  });
  return strokes;
}

const short = (value) => String(Math.round(value * 10) / 10);

// The `d` of an SVG path; a stroke of one point becomes a dot.
function pathOf(strokes) {
  const one = (stroke) => {
    const [first, ...rest] = stroke.map(([x, y]) => `${short(x)} ${short(y)}`);
    return `M${first}${rest.length ? `L${rest.join(" ")}` : "h0.01"}`;
  };
  return inked(strokes).map(one).join("");
}

// Strokes as text for a link and back: whole halves of a unit, numbers parted by ".", strokes by "_". Garbage gives null.
function toText(strokes) {
  return inked(strokes).map((stroke) => stroke.flat().map((value) => Math.round(2 * value)).join(".")).join("_");
}

function fromText(text) {
  if (!/^-?\d{1,5}(\.-?\d{1,5})*(_-?\d{1,5}(\.-?\d{1,5})*)*$/.test(text)) return null;
  const strokes = text.split("_").map((part) => {
    const numbers = part.split(".").map((value) => Number(value) / 2);
    return numbers.length % 2 ? null : Array.from({ length: numbers.length / 2 }, (_, i) => [numbers[2 * i], numbers[2 * i + 1]]);
  });
  return strokes.includes(null) ? null : strokes;
}
