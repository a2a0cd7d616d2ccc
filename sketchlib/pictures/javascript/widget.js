// The notebook's widget: the landing page's view, with models from the kernel; what is drawn goes back there (sketchlib.pictures.widget).

function kernelLibrary(model) {
  const waiting = {};
  model.on("msg:custom", ({ name, packed, error }) => {
    const { resolve, reject } = waiting[name] ?? {};
    delete waiting[name];
    packed ? resolve?.(packed) : reject?.(new Error(error));
  });
  return new Library(model.get("models"), (name) => new Promise((resolve, reject) => {
    waiting[name] = { resolve, reject };
    model.send({ load: name });
  }));
}

function widget({ model, el }) {
  styled();
  const root = element("div", { className: "sketchlib" }), whole = (strokes) => strokes.filter((stroke) => stroke.length);
  el.append(root);
  const sent = ([mine, network], word) => {
    for (const [name, value] of Object.entries({ strokes: whole(mine.strokes), continuation: whole(network.strokes), word })) model.set(name, value);
    model.save_changes();
  };
  const view = complete(root, kernelLibrary(model), { landing: true, widget: true, sent });
  const given = () => {
    const strokes = model.get("strokes");
    if (JSON.stringify(strokes) === JSON.stringify(view.reader.strokes)) return; // what came from here
    view.takePen();
    view.reader.set(strokes.map((stroke) => stroke.filter(finite)));
  };
  if (model.get("strokes").length) given();
  model.on("change:strokes", given);
  return () => { view.stop(); };
}
