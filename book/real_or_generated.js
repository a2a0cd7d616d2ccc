// Asks who drew each sketch, and counts at the end. Plain JavaScript: it loads nothing and sends nothing.
"use strict";
(() => {
  const questions = JSON.parse(document.getElementById("study-data").textContent);
  const study = document.getElementById("study");
  const answers = []; // true: taken for a person's

  function element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  const question = element("p", { id: "study-question" });
  question.setAttribute("aria-live", "polite");
  const picture = element("div", { id: "study-picture" });
  const progress = element("progress", { max: questions.length, value: 0 });
  progress.setAttribute("aria-label", "questions answered");
  const buttons = element("p", {},
    element("button", { id: "study-person", type: "button", onclick: () => answer(true) }, "A person (P)"), " ",
    element("button", { id: "study-network", type: "button", onclick: () => answer(false) }, "A network (N)"));

  function ask() {
    const { word, svg } = questions[answers.length];
    question.textContent = `${answers.length + 1} of ${questions.length}: ${word}. Who drew this?`;
    picture.innerHTML = svg;
    progress.value = answers.length;
  }

  function answer(person) {
    answers.push(person);
    if (answers.length < questions.length) ask();
    else finish();
  }

  function onkey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    const key = event.key.toLowerCase();
    if (key === "p" || key === "n") answer(key === "p");
  }

  const right = (i) => answers[i] === (questions[i].by === "person");

  // Wilson (1927): the 95 % interval of a share of k in n.
  function interval(k, n) {
    const z = 1.959964, share = k / n, below = 1 + z * z / n;
    const middle = (share + z * z / (2 * n)) / below;
    const half = z / below * Math.sqrt(share * (1 - share) / n + z * z / (4 * n * n));
    return [Math.max(0, middle - half), Math.min(1, middle + half)];
  }

  const percent = (share) => `${(100 * share).toFixed(0)} %`;

  function row(label, chosen) {
    const k = chosen.filter(right).length, n = chosen.length;
    const cells = [`${k} of ${n}`, percent(k / n), interval(k, n).map(percent).join(" to ")];
    return element("tr", {}, element("th", { scope: "row" }, label), ...cells.map((text) => element("td", {}, text)));
  }

  function table(caption, rows) {
    const names = ["", "right", "share", "95 % interval"];
    const head = element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name)));
    return element("table", { className: "table" },
      element("caption", {}, caption), element("thead", {}, head), element("tbody", {}, ...rows));
  }

  function rowsBy(what, name) {
    const all = questions.map((_, i) => i);
    const values = [...new Set(questions.map((one) => one[what]))].sort();
    return values.map((value) => row(name(value), all.filter((i) => questions[i][what] === value)));
  }

  function finish() {
    document.removeEventListener("keydown", onkey);
    const all = questions.map((_, i) => i), score = all.filter(right).length;
    const heading = element("p", { id: "study-score", tabIndex: -1 },
      element("strong", {}, `${score} of ${all.length} right: ${percent(score / all.length)}. `), "Guessing would get 50 %.");
    const who = (by) => (by === "person" ? "drawn by a person" : `drawn by the ${by === "single" ? "single model" : by}`);
    const sheet = element("div", { id: "study-answers" });
    questions.forEach(({ by, svg }, i) => {
      const figure = element("figure", {}, element("figcaption", {}, `${right(i) ? "✓" : "✗"} ${who(by)}`));
      figure.insertAdjacentHTML("afterbegin", svg);
      sheet.append(figure);
    });
    study.replaceChildren(heading, table("All", [row("everything", all)]), table("By who drew", rowsBy("by", who)),
      table("By class", rowsBy("word", (word) => word)), sheet);
    heading.focus();
  }

  const looks = element("style", {}, `
    #study button { padding: 0.4em 1em; font: inherit; color: inherit; background: transparent; border: 1px solid currentcolor; border-radius: 5px; }
    html[data-theme="dark"] #study svg { filter: brightness(0.8) contrast(1.2); }
    #study progress { width: 260px; }
    #study-answers { display: flex; flex-wrap: wrap; gap: 0.8em; }
    #study-answers figure { margin: 0; width: 8em; font-size: 0.8em; }
    #study-answers svg { width: 100%; height: auto; }`);
  document.head.append(looks);
  study.replaceChildren(question, buttons, picture, progress);
  document.addEventListener("keydown", onkey);
  ask();
})();
