// Where models come from: scripts beside this one, or a notebook's kernel. A model is read when it is first asked for.

const megabytes = (bytes) => (bytes ? `${(bytes / 1e6).toFixed(1)} MB` : "from the notebook");

// Models by name. `index`: name -> {classes, bytes, latent}; `fetchPacked(name)` promises one as the exporter packed it.
class Library {
  constructor(index, fetchPacked) {
    Object.assign(this, { index, fetchPacked, promises: {}, ready: {} });
  }

  get names() { return Object.keys(this.index); }

  // The names of models that draw a class, the one of most classes first.
  drawing(word) { return this.names.filter((name) => this.index[name].classes.includes(word)).sort((a, b) => this.index[b].classes.length - this.index[a].classes.length); }

  get classes() { return [...new Set(this.names.flatMap((name) => this.index[name].classes))]; }

  get(name) {
    this.promises[name] ??= this.fetchPacked(name).then((packed) => (this.ready[name] = build(packed)));
    this.promises[name].catch(() => delete this.promises[name]); // so that the next click tries again
    return this.promises[name];
  }
}

// A library whose models are scripts in the folder of the page's own script.
function scriptLibrary(index, base) {
  const fetchPacked = (name) => new Promise((resolve, reject) => {
    const size = megabytes(index[name].bytes);
    const failed = () => reject(new Error(`The network's weights (${index[name].file}, ${size}) did not load. ` +
      "Look whether that file is in the folder live beside this page, or build the book again, and press the button once more. What you drew is kept."));
    const script = element("script", { src: base + encodeURIComponent(index[name].file) });
    // A file that is cut short is said below, not in the console; from a disk, browsers do not name the file.
    const quiet = (event) => ["", script.src].includes(event.filename ?? "") && event.preventDefault();
    addEventListener("error", quiet);
    script.onerror = () => { removeEventListener("error", quiet); failed(); };
    script.onload = () => {
      removeEventListener("error", quiet);
      const packed = self.sketchWeights?.[name];
      if (!packed) return failed();
      delete self.sketchWeights[name];
      resolve(packed);
    };
    document.head.append(script);
  });
  return new Library(index, fetchPacked);
}

// Get a model, saying its size before; null where it did not come, which is said as well.
async function obtained(library, name, say) {
  try {
    if (!library.ready[name]) say(`Loading the network, ${megabytes(library.index[name].bytes)} …`);
    return await library.get(name);
  } catch (error) {
    say(error.message.endsWith(".") ? error.message : `The network's weights cannot be used: ${error.message}. What you drew is kept.`);
    return null;
  }
}
