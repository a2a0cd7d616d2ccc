// What the theme's buttons do: the pages' policy allows no handlers in their text.
document.addEventListener("click", ({ target }) => {
  if (target.closest(".btn-download-pdf-button")) print();
  if (target.closest(".btn-fullscreen-button")) toggleFullScreen();
});
