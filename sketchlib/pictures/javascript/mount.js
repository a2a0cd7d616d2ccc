// The parts of a page that this script fills: elements with data-sketch="landing", "complete", "watch", "between" or "scene".

const VIEWS = { complete, watch, between, scene };

function styled() {
  if (!document.getElementById("sk-style")) document.head.append(element("style", { id: "sk-style" }, STYLE));
}

// Fill a page. `models`: name -> {file, bytes, classes, latent}; `examples`: class -> drawings; `base`: the folder of the weights' scripts.
function start({ models, examples }, base) {
  styled();
  const all = scriptLibrary(models, base), single = (name) => !models[name].latent;
  const drawers = new Library(Object.fromEntries(all.names.filter(single).map((name) => [name, models[name]])), (name) => all.fetchPacked(name));
  let first = null;
  const beginning = () => first?.reader.strokes ?? [];
  for (const root of document.querySelectorAll("[data-sketch]")) {
    const kind = root.dataset.sketch;
    root.replaceChildren();
    root.classList.add("sketchlib");
    if (kind === "landing") first = complete(root, drawers, { landing: true, link: location.hash });
    else if (kind === "complete") first = complete(root, all, { link: location.hash });
    else VIEWS[kind](root, kind === "between" ? all : drawers, { examples, beginning });
  }
}

// Fill a page as soon as it is there.
function startWhenReady(contents) {
  const base = document.currentScript.src.replace(/[^/]*$/, "");
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => start(contents, base));
  else start(contents, base);
}
