// Chapter 1: a drawing whose points are moved, beside its rows of stroke-3 and stroke-5.

const ROOM = 24; // round the drawing, data units

function rows(root, { strokes }) {
  const whole = strokes.map((stroke) => stroke.map((point) => point.map(Math.round)));
  const asGiven = () => ({ start: whole[0][0], rows: toStroke3(whole), at: 0, changed: [] });
  const { line, say } = statusLine(), state = asGiven(), last = state.rows.length;
  const [left, top, right, bottom] = bounds(whole);
  const board = new Board("A drawing, whose points can be moved", [left - ROOM, top - ROOM, right + ROOM, bottom + ROOM]);
  const layer = (name) => { const made = svgElement("g", { class: name, "aria-hidden": "true" }); board.svg.append(made); return made; };
  const ink = layer("sk-ink-lines"), places = () => placesOf(state);
  const name = (i) => `P${[...String(i)].map((digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]).join("")}`;

  const points = Array.from({ length: last + 1 }, (_, i) => new Handle(board, `point ${i}`, {
    className: "sk-point", radius: 4.5, step: 1, choose: () => { state.at = i; show(); }, move: (to) => move(i, to),
    says: () => places()[i].map((value) => signed(value, 0)).join(", "),
  }));
  board.svg.append(...points.map((one) => one.node));
  const pen = svgElement("circle", { class: "sk-ring", r: 9, "aria-hidden": "true" });
  board.svg.insertBefore(pen, points[0].node);
  for (const one of points) for (const event of ["pointerup", "pointercancel", "keyup"]) one.node.addEventListener(event, frame);

  // What a drag changes: a place, and so the two movements that meet there; or a movement, and so all later places.
  const kinds = { place: "a place", movement: "a movement" };
  const kind = choice("a drag changes", Object.keys(kinds), () => {}, Object.values(kinds));
  const lifts = Array.from({ length: last }, (_, k) => button("0", () => lift(k), { className: "sk-bit" }));
  const head = ["i", "Δx", "Δy", "ℓ", "p₁", "p₂", "p₃"];
  const table = tableOf("stroke-3 is Δx, Δy, ℓ; stroke-5 is Δx, Δy, p₁, p₂, p₃", head,
    [["S₀", "0", "0", "", "1", "0", "0"], ...lifts.map((one, k) => [String(k + 1), "", "", one, "", "", "0"]), [String(last + 1), "0", "0", "", "0", "0", "1"]]);
  table.node.classList.add("sk-rows");
  table.cells.forEach((cells, i) => cells[0].parentNode.addEventListener("click", (event) => { if (!event.target.closest("button")) go(i); }));

  function move(i, to) {
    const [x, y] = places()[i], dx = Math.round(to[0]) - x, dy = Math.round(to[1]) - y, add = (k, sign) => {
      if (k < 0) state.start = [state.start[0] + dx, state.start[1] + dy];
      else if (k < last) { state.rows = state.rows.map((row, n) => (n === k ? [row[0] + sign * dx, row[1] + sign * dy, row[2]] : row)); state.changed.push(k + 1); }
    };
    if (!dx && !dy) return;
    state.changed = [];
    add(i - 1, 1);
    if (kind.select.value === "place") add(i, -1);
    tell(i);
    show();
  }

  function tell(i) {
    const rest = kind.select.value === "place" ? "No other place moved, and no other row changed."
      : i < last ? `${i ? "No other row changed, yet e" : "E"}very later place moved along.` : "Nothing comes after it.";
    const which = state.changed.length > 1 ? `Rows ${state.changed.join(" and ")} changed.` : state.changed.length ? `Row ${state.changed[0]} changed.` : "No row changed.";
    say(`${name(i)} moved. ${which} ${rest}`);
  }

  function lift(k) {
    state.rows = state.rows.map((row, n) => (n === k ? [row[0], row[1], 1 - row[2]] : row));
    Object.assign(state, { at: k + 1, changed: [k + 1] });
    say(state.rows[k][2] ? `The pen is lifted after row ${k + 1}: row ${k + 2} goes through the air.` : `The pen stays down after row ${k + 1}: row ${k + 2} leaves a line.`);
    show();
  }

  function go(i) {
    Object.assign(state, { at: clamp(i, 0, last + 1), changed: [] });
    const [dx, dy, lifted] = state.rows[state.at - 1] ?? [];
    if (state.at === 0) say("S₀: the pen is down at P₀, and nothing is drawn.");
    else if (state.at > last) say(`Row ${last + 1} is no point: it says that the drawing has ended.`);
    else say(`Row ${state.at}: ${signed(dx, 0)} along x, ${signed(dy, 0)} along y, ${drawnBy(state.at - 1) ? "with a line" : "through the air"}; then the pen ${lifted ? "is lifted" : "stays down"}.`);
    show();
  }

  const drawnBy = (k) => k === 0 || state.rows[k - 1][2] === 0;

  function reset() {
    Object.assign(state, asGiven());
    frame();
    say("As at first.");
    show();
  }

  // See all of it, but only once nothing is held.
  function frame() {
    board.view(board.home);
    places().forEach((place) => board.reach(place));
  }

  function show() {
    const all = places();
    ink.replaceChildren(...state.rows.map(([, , lifted], k) => svgElement("path", {
      class: `${drawnBy(k) ? "sk-line" : "sk-air"}${k < state.at ? "" : " sk-later"}`, d: `M${all[k]}L${all[k + 1]}`,
    })));
    points.forEach((one, i) => {
      one.put(all[i]);
      one.node.setAttribute("tabindex", i === Math.min(state.at, last) ? 0 : -1); // one stop of the tab key; Step and Back move it
      one.node.classList.toggle("sk-later", i > state.at);
    });
    const [x, y] = all[Math.min(state.at, last)], up = state.at > last || (state.at && state.rows[state.at - 1][2]);
    pen.setAttribute("transform", `translate(${x} ${y})`);
    pen.classList.toggle("sk-up", Boolean(up));
    fill();
  }

  function fill() {
    table.cells.forEach((cells, i) => {
      const tr = cells[0].parentNode, row = state.rows[i - 1];
      tr.classList.toggle("sk-now", i === state.at);
      tr.classList.toggle("sk-changed", state.changed.includes(i));
      if (!row) return;
      cells[1].textContent = signed(row[0], 0);
      cells[2].textContent = signed(row[1], 0);
      const bit = lifts[i - 1];
      bit.textContent = row[2];
      bit.setAttribute("aria-label", `${row[2]}: the pen is lifted after row ${i}`); // a name begins with what is seen
      bit.setAttribute("aria-pressed", row[2] === 1);
      bit.disabled = i === last; // after the last point the pen is lifted, whatever follows
      bit.tabIndex = i === state.at ? 0 : -1;
      cells[4].textContent = 1 - row[2];
      cells[5].textContent = row[2];
    });
  }

  root.append(element("div", { className: "sk-left" }, board.svg,
    element("p", { className: "sk-buttons" }, button("Back", () => go(state.at - 1)), button("Step", () => go(state.at + 1), { className: "sk-main" }), button("Reset", reset), kind.labelled), line),
  element("div", { className: "sk-side" }, table.node));
  say("Drag a point, press Step, or press a 0 or 1 under ℓ. The ring is the pen: full when it is down, broken when it is lifted.");
  show();
}
