// Parts of every view: a line that says what happens, choices, sliders, buttons.

const button = (text, act, properties = {}) => element("button", { type: "button", onclick: act, ...properties }, text);

function choice(label, names, change, texts = names) {
  const select = element("select", { onchange: () => change(select.value) });
  names.forEach((name, i) => select.append(element("option", { value: name }, texts[i])));
  return { select, labelled: element("label", {}, `${label} `, select) };
}

function slider(label, { min, max, step, value, text = String }, change = () => {}) {
  const input = element("input", { type: "range", min, max, step, value }), shown = element("output", {}, text(Number(value)));
  const update = () => { shown.textContent = text(Number(input.value)); };
  input.addEventListener("input", () => { update(); change(Number(input.value)); });
  const set = (number) => { input.value = number; update(); };
  return { input, set, get value() { return Number(input.value); }, labelled: element("label", {}, `${label} `, input, " ", shown) };
}

const temperatures = (change) => slider("temperature", { min: 0, max: 1.5, step: 0.05, value: 0.4, text: (value) => value.toFixed(2) }, change);

// A line for screen readers too. `say` with nothing empties it.
function statusLine() {
  const line = element("p", { className: "sk-status", role: "status", "aria-live": "polite" });
  return { line, say: (text = "") => { line.textContent = text; } };
}

const percent = (share) => `${Math.round(100 * share)} %`;
