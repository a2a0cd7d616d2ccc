// A table with a column "verdict" gets a button for each verdict. Without this script it is a plain table of all rows.
(() => {
  const LEAST = 10; // rows: a shorter table is read faster than filtered

  function button(text, group, choose) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.setAttribute("aria-pressed", "false");
    made.addEventListener("click", () => choose(made));
    group.append(made);
    return made;
  }

  function filter(table) {
    const heads = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent.trim());
    const rows = [...table.querySelectorAll("tbody tr")];
    const column = heads.indexOf("verdict");
    if (column < 0 || rows.length < LEAST) return;
    const verdictOf = (row) => row.children[column].textContent.trim();
    const group = document.createElement("div");
    group.className = "verdicts";
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Show the claims of one verdict");
    const said = document.createElement("p");
    said.setAttribute("role", "status");
    const show = (verdict) => (pressed) => {
      rows.forEach((row) => row.classList.toggle("left-out", verdict !== null && verdictOf(row) !== verdict));
      group.querySelectorAll("button").forEach((one) => one.setAttribute("aria-pressed", String(one === pressed)));
      const left = rows.filter((row) => !row.classList.contains("left-out")).length;
      said.textContent = `${left} of ${rows.length} claims`;
    };
    const verdicts = [...new Set(rows.map(verdictOf))];
    const made = verdicts.map((one) => {
      const total = rows.filter((row) => verdictOf(row) === one).length;
      return button(`${one}: ${total}`, group, show(one));
    });
    button(`all: ${rows.length}`, group, show(null));
    table.before(group, said);
    made[0].click(); // the first verdict of the table
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("main table").forEach(filter));
})();
