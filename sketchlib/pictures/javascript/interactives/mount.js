// Where an interactive stands: elements of a page with data-interactive, each with a still picture that paper shows; or a notebook's widget.

function styled() {
  if (!document.getElementById("sk-interactives")) document.head.append(element("style", { id: "sk-interactives" }, STYLE));
}

// Fill an element: what was in it is the still picture.
function mount(root, given, library) {
  styled();
  const live = element("div", { className: "sk-live" }), still = element("div", { className: "sk-print" });
  still.append(...root.childNodes);
  root.classList.add("sketchlib");
  root.append(still, live);
  VIEW(live, given, library);
}

// Fill the page's elements as soon as they are there. `index`: what models there are, name -> {file, bytes, classes, latent}.
function startWhenReady(index) {
  const base = document.currentScript.src.replace(/[^/]*$/, "");
  const start = () => {
    const library = typeof scriptLibrary === "function" ? scriptLibrary(index, base) : null;
    for (const root of document.querySelectorAll(`[data-interactive="${NAME}"]:not(.sketchlib)`)) mount(root, JSON.parse(root.dataset.given), library);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
}

function render({ model, el }) {
  const root = element("div");
  el.append(root);
  mount(root, model.get("given"), typeof kernelLibrary === "function" ? kernelLibrary(model) : null);
}
