// Films as GIF89a: frames of palette indices, packed by the algorithm of Lempel, Ziv and Welch with codes that grow to twelve bits.

function packedIndices(indices, bits) {
  const clear = 1 << bits, end = clear + 1, table = new Map(), out = [];
  let width = bits + 1, next = end + 1, buffer = 0, filled = 0, prefix = indices[0];
  const put = (code) => {
    buffer |= code << filled;
    for (filled += width; filled >= 8; filled -= 8) { out.push(buffer & 255); buffer >>>= 8; }
  };
  put(clear);
  for (let i = 1; i < indices.length; i++) {
    const key = (prefix << 8) | indices[i], known = table.get(key);
    if (known !== undefined) { prefix = known; continue; }
    put(prefix);
    prefix = indices[i];
    if (next < 4096) {
      table.set(key, next);
      if (next === 1 << width) width++;
      next++;
    } else { put(clear); table.clear(); next = end + 1; width = bits + 1; }
  }
  put(prefix);
  put(end);
  if (filled) out.push(buffer & 255);
  return out;
}

// The bytes of a film that begins again when it ends. `palette`: 4 to 256 colours [red, green, blue], a power of two; `frames`: [{indices, hundredths}].
function gifOf(frames, width, height, palette) {
  const bits = Math.log2(palette.length), word = (value) => [value & 255, value >> 8], out = [...new TextEncoder().encode("GIF89a")];
  out.push(...word(width), ...word(height), 0xf0 | (bits - 1), 0, 0, ...palette.flat());
  out.push(0x21, 0xff, 11, ...new TextEncoder().encode("NETSCAPE2.0"), 3, 1, 0, 0, 0);
  for (const { indices, hundredths } of frames) {
    out.push(0x21, 0xf9, 4, 4, ...word(hundredths), 0, 0, 0x2c, 0, 0, 0, 0, ...word(width), ...word(height), 0, bits);
    const data = packedIndices(indices, bits);
    for (let i = 0; i < data.length; i += 255) {
      const block = data.slice(i, i + 255);
      out.push(block.length, ...block);
    }
    out.push(0);
  }
  return Uint8Array.from([...out, 0x3b]);
}
