// What the theme's buttons do: the pages' policy allows no handlers in their text.
document.addEventListener("click", ({ target }) => {
  if (target.closest(".btn-download-pdf-button")) print();
  if (target.closest(".btn-fullscreen-button")) toggleFullScreen();
});
// A name in code breaks at its joints, so that a table need not break its words.
document.addEventListener("DOMContentLoaded", () => {
  for (const name of document.querySelectorAll("main td code .pre, main td code:not(:has(*))")) {
    name.innerHTML = name.innerHTML.replace(/(?<=\w)[_./](?=\w)/g, "$&<wbr>");
  }
});
// On a phone a wide figure scrolls sideways, as code does, instead of shrinking until nobody can read it.
addEventListener("load", () => {
  if (!matchMedia("(max-width: 60rem)").matches) return;
  for (const image of document.querySelectorAll("main .cell_output img")) {
    if (image.naturalWidth < 700 || image.naturalWidth < 1.3 * image.naturalHeight) continue;
    const box = Object.assign(document.createElement("div"), { className: "wide", tabIndex: 0 });
    image.replaceWith(box);
    box.append(image);
  }
});
