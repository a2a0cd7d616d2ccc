// The models in float32, a row at a time. An architecture is one function that makes {start, step, copy} out of its tensors.

// ---- numbers out of text -------------------------------------------------------------------------------------------------------

function bytesOf(text) {
  const raw = atob(text), bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes.buffer;
}

// A tensor as sketchlib.pictures.live packs it: float32 as it is; whole numbers of 8 or 16 bits times the scale of their row.
function unpacked({ shape, bits, data, scale }) {
  if (bits === 32) return new Float32Array(bytesOf(data));
  const whole = bits === 8 ? new Int8Array(bytesOf(data)) : new Int16Array(bytesOf(data));
  const scales = new Float32Array(bytesOf(scale)), width = shape[1], out = new Float32Array(whole.length);
  for (let row = 0, i = 0; row < shape[0]; row++) for (let k = 0; k < width; k++, i++) out[i] = whole[i] * scales[row];
  return out;
}

// ---- linear algebra ------------------------------------------------------------------------------------------------------------

// out = bias + weights x, the weights row by row in one array. Four rows at a time: their sums do not wait for each other.
function affine(weights, x, bias, out) {
  const rows = out.length, width = x.length, whole = rows - (rows % 4);
  for (let row = 0; row < whole; row += 4) {
    const first = row * width, second = first + width, third = second + width, fourth = third + width;
    let a = 0, b = 0, c = 0, d = 0;
    for (let k = 0; k < width; k++) {
      const value = x[k];
      a += weights[first + k] * value; b += weights[second + k] * value;
      c += weights[third + k] * value; d += weights[fourth + k] * value;
    }
    out[row] = bias[row] + a; out[row + 1] = bias[row + 1] + b; out[row + 2] = bias[row + 2] + c; out[row + 3] = bias[row + 3] + d;
  }
  for (let row = whole; row < rows; row++) {
    let sum = bias[row];
    for (let k = 0; k < width; k++) sum += weights[row * width + k] * x[k];
    out[row] = sum;
  }
  return out;
}

// Some columns of a matrix as a matrix of their own.
function columns(weights, width, from, to) {
  const rows = weights.length / width, out = new Float32Array(rows * (to - from));
  for (let row = 0, i = 0; row < rows; row++) for (let k = from; k < to; k++, i++) out[i] = weights[row * width + k];
  return out;
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

// One step of an LSTM, h and c in place; `gates` holds what all but h gives to the gates i, f, g, o.
function lstmStep(recurrent, gates, h, c) {
  const size = h.length;
  affine(recurrent, h, gates, gates);
  for (let k = 0; k < size; k++) {
    c[k] = sigmoid(gates[size + k]) * c[k] + sigmoid(gates[k]) * Math.tanh(gates[2 * size + k]);
    h[k] = sigmoid(gates[3 * size + k]) * Math.tanh(c[k]);
  }
}

// ---- decoders ------------------------------------------------------------------------------------------------------------------

// sketchlib.models.decoder.Decoder. The state is {h, c, bias}, bias being the condition's share of the gates.
function lstmDecoder(tensors) {
  const name = (rest) => tensors[`decoder.${rest}`];
  const recurrent = name("lstm.weight_hh_l0"), size = recurrent.shape[1], input = name("lstm.weight_ih_l0"), width = input.shape[1];
  const ofRow = width - name("fc_init_hc.weight").shape[1]; // what it reads of a row; the rest is the condition's
  const fromRow = columns(input.values, width, 0, ofRow), fromCondition = columns(input.values, width, ofRow, width);
  const constant = name("lstm.bias_ih_l0").values.map((value, i) => value + name("lstm.bias_hh_l0").values[i]);
  const first = name("fc_init_hc.weight").values, firstBias = name("fc_init_hc.bias").values;
  const head = name("fc_params.weight").values, headBias = name("fc_params.bias").values;
  const gates = new Float32Array(4 * size), out = new Float32Array(headBias.length);
  return {
    width: out.length,
    start(condition) {
      const hc = affine(first, condition, firstBias, new Float32Array(2 * size)).map(Math.tanh);
      return { h: hc.slice(0, size), c: hc.slice(size), bias: affine(fromCondition, condition, constant, new Float32Array(4 * size)) };
    },
    // The parameters of the row that follows `row`; the array is the decoder's own and the next step writes into it.
    step(row, state) {
      affine(fromRow, row, state.bias, gates);
      lstmStep(recurrent.values, gates, state.h, state.c);
      return affine(head, state.h, headBias, out);
    },
    copy: ({ h, c, bias }) => ({ h: h.slice(), c: c.slice(), bias }),
  };
}

const WAVELENGTHS = [1, 2, 4, 8, 16], STROKES = 8; // as in sketchlib.models.placed
const ROW_AND_PLACE = 8 + 4 * WAVELENGTHS.length;

// Where a row leads the pen, and how many strokes have ended then.
const penAfter = ([x, y, strokes], row) => [x + row[0], y + row[1], strokes + row[3]];

// The row and where it leaves the pen, as a decoder that sees the place reads them, into `out`.
function rowAndPlace(row, [x, y, strokes], out) {
  out.set(row);
  out.set([x / WAVELENGTHS.at(-1), y / WAVELENGTHS.at(-1), strokes / STROKES], 5);
  WAVELENGTHS.forEach((length, i) => {
    const turn = (2 * Math.PI) / length, sines = 8 + 2 * i, cosines = sines + 2 * WAVELENGTHS.length;
    out[sines] = Math.sin(turn * x); out[sines + 1] = Math.sin(turn * y);
    out[cosines] = Math.cos(turn * x); out[cosines + 1] = Math.cos(turn * y);
  });
}

// sketchlib.models.placed.PlacedDecoder: an LSTM that reads the place too. The state is the LSTM's and {pen}.
function placedDecoder(tensors) {
  const { width, start, step, copy } = lstmDecoder(tensors), read = new Float32Array(ROW_AND_PLACE);
  return {
    width,
    start: (condition) => ({ ...start(condition), pen: [0, 0, 0] }),
    step(row, state) {
      state.pen = penAfter(state.pen, row);
      rowAndPlace(row, state.pen, read);
      return step(read, state);
    },
    copy: (state) => ({ ...copy(state), pen: [...state.pen] }),
  };
}

// sketchlib.models.vae.Encoder: the mean of z, of rows of stroke-5 with their end row.
function lstmEncoder(tensors) {
  const direction = (name) => {
    const [input, recurrent, one, other] = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
      .map((rest) => tensors[`encoder.${name}.${rest}`].values);
    return { input, recurrent, bias: one.map((value, i) => value + other[i]) };
  };
  const read = ({ input, recurrent, bias }, rows) => {
    const size = bias.length / 4, h = new Float32Array(size), c = new Float32Array(size), gates = new Float32Array(4 * size);
    for (const row of rows) lstmStep(recurrent, affine(input, row, bias, gates), h, c);
    return h;
  };
  const ahead = direction("ahead"), back = direction("back");
  const weight = tensors["encoder.fc_mu.weight"].values, bias = tensors["encoder.fc_mu.bias"].values;
  return (rows) => {
    const both = new Float32Array([...read(ahead, rows), ...read(back, [...rows].reverse())]);
    return affine(weight, both, bias, new Float32Array(bias.length));
  };
}

// The error function to 1.5e-7; source: Abramowitz and Stegun (1964), 7.1.26.
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-x * x);
  return x < 0 ? tail - 1 : 1 - tail;
}

const gelu = (x) => (x * (1 + erf(x * Math.SQRT1_2))) / 2;

// x with mean 0 and variance 1, times the weights, plus the bias.
function layerNorm(x, weight, bias, out) {
  let mean = 0, variance = 0;
  for (let k = 0; k < x.length; k++) mean += x[k] / x.length;
  for (let k = 0; k < x.length; k++) variance += (x[k] - mean) ** 2 / x.length;
  const scale = 1 / Math.sqrt(variance + 1e-5);
  for (let k = 0; k < x.length; k++) out[k] = (x[k] - mean) * scale * weight[k] + bias[k];
  return out;
}

// What the heads see: for each a mean of the values of all rows up to `t`, weighed by the softmax of query times key.
function attend(query, keys, values, t, heads, weights, out) {
  const hidden = query.length, size = hidden / heads, scale = 1 / Math.sqrt(size);
  out.fill(0);
  for (let head = 0; head < heads; head++) {
    const from = head * size;
    let most = -Infinity, sum = 0;
    for (let j = 0; j <= t; j++) {
      let dotted = 0;
      for (let k = 0; k < size; k++) dotted += query[from + k] * keys[j * hidden + from + k];
      weights[j] = dotted * scale;
      most = Math.max(most, weights[j]);
    }
    for (let j = 0; j <= t; j++) sum += weights[j] = Math.exp(weights[j] - most);
    for (let j = 0; j <= t; j++) for (let k = 0; k < size; k++) out[from + k] += (weights[j] / sum) * values[j * hidden + from + k];
  }
}

// sketchlib.models.transformer.TransformerDecoder. The state is {keys, values (one array a layer, row after row), t, pen, bias}.
function transformerDecoder(tensors, { layers, heads }) {
  const name = (rest) => tensors[`decoder.${rest}`].values, linear = (rest) => [name(`${rest}.weight`), name(`${rest}.bias`)];
  const parts = ["before_attention", "to_heads", "from_heads", "before_network", "widen", "narrow"];
  const all = Array.from({ length: layers }, (_, i) => Object.fromEntries(parts.map((part) => [part, linear(`layers.${i}.${part}`)])));
  const order = name("order"), [longest, hidden] = tensors["decoder.order"].shape, [head, headBias] = linear("fc_params");
  const vector = (n = hidden) => new Float32Array(n), fromRow = linear("from_row"), lastNorm = linear("last_norm");
  const read = vector(ROW_AND_PLACE), x = vector(), normed = vector(), three = vector(3 * hidden), seen = vector(), added = vector();
  const wide = vector(4 * hidden), out = vector(headBias.length), zero = vector();
  const larger = (cache) => { const made = vector(2 * cache.length); made.set(cache); return made; };
  const add = () => { for (let k = 0; k < hidden; k++) x[k] += added[k]; };
  let weights = vector(2 * longest);

  // One layer in place on x; keys and values of this row are put into the state.
  function through(layer, i, state) {
    const { t, keys, values } = state;
    affine(layer.to_heads[0], layerNorm(x, ...layer.before_attention, normed), layer.to_heads[1], three);
    keys[i].set(three.subarray(hidden, 2 * hidden), t * hidden);
    values[i].set(three.subarray(2 * hidden), t * hidden);
    attend(three.subarray(0, hidden), keys[i], values[i], t, heads, weights, seen);
    affine(layer.from_heads[0], seen, layer.from_heads[1], added);
    add();
    affine(layer.widen[0], layerNorm(x, ...layer.before_network, normed), layer.widen[1], wide);
    for (let k = 0; k < wide.length; k++) wide[k] = gelu(wide[k]);
    affine(layer.narrow[0], wide, layer.narrow[1], added);
    add();
  }

  return {
    width: out.length,
    start(condition) {
      const caches = () => all.map(() => vector(longest * hidden));
      return { keys: caches(), values: caches(), t: 0, pen: [0, 0, 0], bias: affine(name("from_condition.weight"), condition, zero, vector()) };
    },
    step(row, state) {
      if ((state.t + 1) * hidden > state.keys[0].length) {
        Object.assign(state, { keys: state.keys.map(larger), values: state.values.map(larger) });
        if (weights.length <= state.t) weights = vector(4 * state.t);
      }
      state.pen = penAfter(state.pen, row);
      rowAndPlace(row, state.pen, read);
      affine(fromRow[0], read, fromRow[1], x);
      const at = Math.min(state.t, longest - 1) * hidden;
      for (let k = 0; k < hidden; k++) x[k] += state.bias[k] + order[at + k];
      all.forEach((layer, i) => through(layer, i, state));
      state.t++;
      return affine(head, layerNorm(x, ...lastNorm, normed), headBias, out);
    },
    copy: ({ keys, values, t, pen, bias }) => ({ keys: keys.map((one) => one.slice()), values: values.map((one) => one.slice()), t, pen: [...pen], bias }),
  };
}

// Architecture -> its parts. Another one adds a line: what makes its decoder, its condition, and its encoder if it has a latent space.
const ARCHITECTURES = {
  ConditionalTransformer: (tensors, config) => ({ decoder: transformerDecoder(tensors, config), embedding: tensors["embedding.weight"] }),
  ConditionalPlacedDecoder: (tensors) => ({ decoder: placedDecoder(tensors), embedding: tensors["embedding.weight"] }),
  ConditionalDecoder: (tensors) => ({ decoder: lstmDecoder(tensors), embedding: tensors["embedding.weight"] }),
  SketchVAE: (tensors) => ({ decoder: lstmDecoder(tensors), encode: lstmEncoder(tensors) }),
};

// A model out of what the exporter packed. `condition(word, z)`: the vector that the decoder starts from.
function build({ architecture, config, tensors }) {
  const make = ARCHITECTURES[architecture];
  if (!make) throw new Error(`this page cannot draw with the architecture ${architecture}`);
  const read = Object.fromEntries(Object.entries(tensors).map(([name, one]) => [name, { shape: one.shape, values: unpacked(one) }]));
  const { decoder, embedding, encode } = make(read, config);
  const { classes, n_max: nMax, scale, latent_size: latentSize = 0 } = config;
  const row = (label) => embedding.values.slice(label * embedding.shape[1], (label + 1) * embedding.shape[1]);
  const condition = (word, z) => (encode ? z : row(classes.indexOf(word)));
  return { decoder, encode, condition, classes, nMax, scale, latentSize, nMixtures: (decoder.width - 3) / 6 };
}

// ---- the mixture ---------------------------------------------------------------------------------------------------------------

const MAX_LOG_SIGMA = 7, MAX_ATANH_RHO = 3.8; // as in sketchlib.models.mixture

// values / temperature, less the logarithm of the sum of their exponentials.
function logSoftmax(values, from, temperature, out) {
  let most = -Infinity, sum = 0;
  for (let k = 0; k < out.length; k++) most = Math.max(most, values[from + k] / temperature);
  for (let k = 0; k < out.length; k++) sum += Math.exp(values[from + k] / temperature - most);
  const log = most + Math.log(sum);
  for (let k = 0; k < out.length; k++) out[k] = values[from + k] / temperature - log;
}

// The index at which the cumulative distribution passes a number of [0, 1); never one of probability 0, never past the last.
function invert(logP, uniform) {
  let total = 0, sum = 0, index = 0;
  for (let k = 0; k < logP.length; k++) total += Math.exp(logP[k]);
  for (let k = 0; k < logP.length; k++) { sum += Math.exp(logP[k]); if (sum <= uniform * total) index++; }
  return Math.min(index, logP.length - 1);
}

const largest = (values) => values.reduce((best, value, i) => (value > values[best] ? i : best), 0);

// The density of the next row; `read` fills it from a decoder's parameters at a temperature, with no new array.
class Mixture {
  constructor(n) {
    this.n = n;
    for (const name of ["logPi", "muX", "muY", "sigmaX", "sigmaY", "rho"]) this[name] = new Float32Array(n);
    this.logPen = new Float32Array(3);
  }

  // Ha and Eck (2017), equation 8: logits divided by the temperature, variances multiplied by it. 0 is read as 1: greedy takes the mode.
  read(raw, temperature = 1, penTemperature = null) {
    const n = this.n, tau = temperature || 1, widen = Math.sqrt(tau);
    logSoftmax(raw, 0, tau, this.logPi);
    for (let k = 0; k < n; k++) {
      this.muX[k] = raw[n + k]; this.muY[k] = raw[2 * n + k];
      this.sigmaX[k] = widen * Math.exp(clamp(raw[3 * n + k], -MAX_LOG_SIGMA, MAX_LOG_SIGMA));
      this.sigmaY[k] = widen * Math.exp(clamp(raw[4 * n + k], -MAX_LOG_SIGMA, MAX_LOG_SIGMA));
      this.rho[k] = Math.tanh(clamp(raw[5 * n + k], -MAX_ATANH_RHO, MAX_ATANH_RHO));
    }
    logSoftmax(raw, 6 * n, (temperature && penTemperature) || tau, this.logPen);
    return this;
  }

  // A movement and a pen state into `out` (dx, dy, pen), from two uniform and two normal numbers.
  draw(u0, u1, n0, n1, out) {
    const k = invert(this.logPi, u0), rho = this.rho[k];
    out[0] = this.muX[k] + this.sigmaX[k] * n0;
    out[1] = this.muY[k] + this.sigmaY[k] * (rho * n0 + Math.sqrt(1 - rho * rho) * n1);
    out[2] = invert(this.logPen, u1);
  }

  mode(out) {
    const k = largest(this.logPi);
    out[0] = this.muX[k]; out[1] = this.muY[k]; out[2] = largest(this.logPen);
  }

  // log p(dx, dy) in nats.
  logDensity(dx, dy) {
    let most = -Infinity, sum = 0;
    for (let k = 0; k < this.n; k++) { const one = this.logOf(k, dx, dy); most = Math.max(most, one); }
    for (let k = 0; k < this.n; k++) sum += Math.exp(this.logOf(k, dx, dy) - most);
    return most + Math.log(sum);
  }

  logOf(k, dx, dy) {
    const zx = (dx - this.muX[k]) / this.sigmaX[k], zy = (dy - this.muY[k]) / this.sigmaY[k], rest = 1 - this.rho[k] ** 2;
    const distance = (zx - this.rho[k] * zy) ** 2 / rest + zy * zy;
    return this.logPi[k] - Math.log(2 * Math.PI * this.sigmaX[k] * this.sigmaY[k]) - Math.log(rest) / 2 - distance / 2;
  }
}

// ---- random numbers ------------------------------------------------------------------------------------------------------------

// Seeded random numbers (mulberry32, and Box and Muller's normal ones): a seed gives the same drawing on every machine.
function seeded(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return { uniform, normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()) };
}

const normals = (n, seed) => { const { normal } = seeded(seed); return Float32Array.from({ length: n }, normal); };

// ---- drawing -------------------------------------------------------------------------------------------------------------------

// Stroke-3 rows in data units as rows of stroke-5 in the model's units.
const toRows = (stroke3, scale) => stroke3.map(([dx, dy, lift]) => new Float32Array([dx / scale, dy / scale, 1 - lift, lift, 0]));
const ROW_OF_START = new Float32Array([0, 0, 1, 0, 0]), ROW_OF_END = new Float32Array([0, 0, 0, 0, 1]);

// A drawing that grows: `look` gives the density of the next point, `next` takes a point {dx, dy, pen} in data units; null after the end.
// `prefix`: stroke-3 rows that are drawn already. Whether its last point lifts the pen is the model's choice, unless `ended`.
class Sketcher {
  constructor(model, condition, { temperature = 0.4, penTemperature = null, random, prefix = [], nMax = model.nMax, ended = false }) {
    Object.assign(this, { model, temperature, penTemperature, random, ended, left: nMax, finished: false, raw: null });
    Object.assign(this, { mixture: new Mixture(model.nMixtures), row: new Float32Array(ROW_OF_START), chosen: new Float32Array(3) });
    this.state = model.decoder.start(condition);
    const rows = toRows(prefix, model.scale);
    this.last = rows.pop() ?? null;
    for (const row of rows) { this.density(); this.take(row); }
  }

  take(row) {
    this.row.set(row);
    this.raw = null;
  }

  density() {
    this.raw ??= this.model.decoder.step(this.row, this.state);
    return this.mixture.read(this.raw, this.temperature, this.penTemperature);
  }

  look() {
    if (this.last) this.takeLast();
    return this.density();
  }

  takeLast() {
    const row = this.last, { logPen } = this.density();
    const lifts = 1 / (1 + Math.exp(logPen[0] - logPen[1]));
    if (!this.ended) row[3] = this.random.uniform() < lifts ? 1 : 0;
    row[2] = 1 - row[3];
    this.last = null;
    this.take(row);
  }

  next() {
    if (this.left-- <= 0) return null;
    const { random, chosen } = this, mixture = this.look();
    if (this.temperature > 0) mixture.draw(random.uniform(), random.uniform(), random.normal(), random.normal(), chosen);
    else mixture.mode(chosen);
    const [dx, dy, pen] = chosen;
    if (!Number.isFinite(dx + dy)) throw new Error("the network's next point is not a number; load the page again, or take another model");
    if (pen === 2) { this.left = 0; this.finished = true; return null; }
    this.row.fill(0); this.row[0] = dx; this.row[1] = dy; this.row[2 + pen] = 1;
    this.raw = null;
    return { dx: dx * this.model.scale, dy: dy * this.model.scale, pen };
  }

  // Another pen that goes on from here with random numbers of its own.
  fork(random) {
    const other = Object.assign(Object.create(Sketcher.prototype), this, { random });
    other.state = this.model.decoder.copy(this.state);
    other.raw = this.raw && this.raw.slice(); other.last = this.last && this.last.slice();
    other.row = this.row.slice(); other.chosen = new Float32Array(3); other.mixture = new Mixture(this.model.nMixtures);
    return other;
  }
}

// The pen's own temperature: at a lower one drawings hardly ever end (chapter 7).
const PEN_TEMPERATURE = 0.7;
const tempered = (temperature) => ({ temperature, penTemperature: Math.max(temperature, PEN_TEMPERATURE) });

// All points that are still to come, as stroke-3 rows.
function drawn(sketcher) {
  const rows = [];
  for (let point = sketcher.next(); point; point = sketcher.next()) rows.push([point.dx, point.dy, point.pen]);
  return rows;
}

// log p of a beginning under the model, in nats of data units; the last point's pen, which nobody has decided, is left out.
function logLikelihood(model, condition, stroke3) {
  const mixture = new Mixture(model.nMixtures), state = model.decoder.start(condition), rows = toRows(stroke3, model.scale);
  let before = ROW_OF_START, sum = -2 * rows.length * Math.log(model.scale);
  rows.forEach((row, i) => {
    mixture.read(model.decoder.step(before, state));
    sum += mixture.logDensity(row[0], row[1]) + (i < rows.length - 1 ? mixture.logPen[row[3]] : 0);
    before = row;
  });
  return sum;
}

// Probabilities out of logarithms of something in proportion to them.
function normalised(logs) {
  const most = Math.max(...logs), all = logs.map((one) => Math.exp(one - most)), sum = all.reduce((a, b) => a + b, 0);
  return all.map((one) => one / sum);
}

// The mean of z for a drawing of data units; null where there is no movement to read.
function encode(model, strokes) {
  const rows = toRows(toStroke3(strokes), model.scale);
  return rows.length ? model.encode([...rows, ROW_OF_END]) : null;
}

function slerp(a, b, share) {
  const dot = (x, y) => x.reduce((sum, value, k) => sum + value * y[k], 0);
  const angle = Math.acos(clamp(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)), -1, 1));
  const straight = !(angle > 1e-4 && angle < Math.PI - 1e-4); // parallel, opposite, or one of them zero
  const [p, q] = straight ? [1 - share, share] : [Math.sin((1 - share) * angle) / Math.sin(angle), Math.sin(share * angle) / Math.sin(angle)];
  return a.map((value, k) => p * value + q * b[k]);
}
