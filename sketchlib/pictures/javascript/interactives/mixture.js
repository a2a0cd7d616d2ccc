// Chapter 3's formulas in the network's own numbers, with their derivatives. A hill is {pi, mux, muy, sx, sy, r}: pi-hat, the means, log
// sigma along both axes, and atanh rho.

const LOG_2_PI = Math.log(2 * Math.PI);

function logSum(logs) {
  const most = Math.max(...logs);
  return most + Math.log(logs.reduce((sum, one) => sum + Math.exp(one - most), 0));
}

// log of the softmax of the hills' pi-hats.
function logWeights(hills) {
  const all = logSum(hills.map((hill) => hill.pi));
  return hills.map((hill) => hill.pi - all);
}

// The completed square of the exponent at a place: u = (z_x - rho z_y) cosh r, and z_y.
function squares({ mux, muy, sx, sy, r }, x, y) {
  const a = (x - mux) * Math.exp(-sx), b = (y - muy) * Math.exp(-sy);
  return { a, b, u: (a - Math.tanh(r) * b) * Math.cosh(r) };
}

function logNormal(hill, x, y) {
  const { b, u } = squares(hill, x, y);
  return Math.log(Math.cosh(hill.r)) - hill.sx - hill.sy - LOG_2_PI - (u * u + b * b) / 2;
}

function logTerms(hills, x, y, weights = logWeights(hills)) {
  return hills.map((hill, j) => weights[j] + logNormal(hill, x, y));
}

// -log p in nats, as `stroke_nll`.
const nll = (hills, x, y) => -logSum(logTerms(hills, x, y));

// The responsibilities: which share of the density at a place is each hill's.
function shares(hills, x, y) {
  const terms = logTerms(hills, x, y), all = logSum(terms);
  return terms.map((one) => Math.exp(one - all));
}

// The derivatives of -log p by the numbers of every hill.
function gradient(hills, x, y) {
  const weights = logWeights(hills), taken = shares(hills, x, y);
  return hills.map((hill, j) => {
    const { a, b, u } = squares(hill, x, y), rho = Math.tanh(hill.r), cosh = Math.cosh(hill.r), of = (log) => -taken[j] * log;
    return {
      pi: Math.exp(weights[j]) - taken[j],
      mux: of(u * cosh * Math.exp(-hill.sx)), muy: of((b - u * rho * cosh) * Math.exp(-hill.sy)),
      sx: of(u * cosh * a - 1), sy: of(b * b - b * u * rho * cosh - 1),
      r: of(rho - u * (rho * u - b / cosh)),
    };
  });
}

const NODES = [0.3399810435848563, 0.8611363115940526], NODE_WEIGHTS = [0.6521451548625461, 0.3478548451374538]; // Gauss and Legendre's four

// The places and weights of a quadrature over [-1, 1] in so many pieces.
function quadrature(pieces) {
  const found = [];
  for (let i = 0; i < pieces; i++) {
    NODES.forEach((node, k) => [-node, node].forEach((at) => found.push([(2 * i + 1 + at) / pieces - 1, NODE_WEIGHTS[k] / pieces])));
  }
  return found;
}

// -log of the probability of the square of a side round a place, as `cell_nll`: in pieces no wider than a hill is where it is narrowest.
function cellNll(hills, x, y, side) {
  const narrowest = (hill) => Math.exp(Math.min(hill.sx, hill.sy)) / Math.cosh(hill.r), weights = logWeights(hills), half = side / 2;
  const nodes = quadrature(clamp(Math.ceil(side / Math.min(...hills.map(narrowest))), 1, 24)), logs = [];
  for (const [dx, p] of nodes) for (const [dy, q] of nodes) logs.push(Math.log(p * q) + logSum(logTerms(hills, x + half * dx, y + half * dy, weights)));
  return -logSum(logs) - 2 * Math.log(half);
}

// A step downhill in all numbers, halved until the cost falls; `bounded` keeps hills admissible.
function stepped(hills, x, y, bounded, rate = 0.4) {
  const slopes = gradient(hills, x, y), before = nll(hills, x, y);
  for (let tries = 0; tries < 20; tries++, rate /= 2) {
    const moved = hills.map((hill, j) => bounded(Object.fromEntries(Object.keys(slopes[j]).map((name) => [name, hill[name] - rate * slopes[j][name]]))));
    if (nll(moved, x, y) < before) return moved;
  }
  return hills;
}
