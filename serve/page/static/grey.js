// Grey values, all of them, and how a window makes 256 shades of them.

export async function fetchGrey(where) {
  const answer = await fetch(where);
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).detail || "the picture cannot be had now");
  const bytes = await answer.arrayBuffer();
  const number = (name) => Number(answer.headers.get(name));
  const bits = number("X-Bits");
  const values = bits === 16 ? new Uint16Array(bytes) : new Uint8Array(bytes);
  const [low, high] = answer.headers.get("X-Window").split(" ").map(Number);
  return { rows: number("X-Rows"), columns: number("X-Columns"), most: 2 ** bits - 1, values, low, high };
}

export function presets(grey) {
  const { low, high, most } = grey;
  const part = (from, to) => ({ low: low + from * (high - low), high: low + to * (high - low) });
  return {
    whole: { low: 0, high: most },
    usual: { low, high },
    dark: part(0, 0.5),
    middle: part(0.25, 0.75),
    bright: part(0.5, 1),
  };
}

function shades(most, window, inverted) {
  const table = new Uint8ClampedArray(most + 1);
  const width = Math.max(window.high - window.low, 1);
  for (let value = 0; value <= most; value += 1) table[value] = ((value - window.low) / width) * 255;
  return inverted ? table.map((shade) => 255 - shade) : table;
}

export function drawGrey(canvas, grey, window, inverted) {
  const table = shades(grey.most, window, inverted);
  canvas.width = grey.columns;
  canvas.height = grey.rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(grey.columns, grey.rows);
  const pixels = new Uint32Array(image.data.buffer);
  for (let place = 0; place < pixels.length; place += 1) {
    pixels[place] = 0xff000000 | (table[grey.values[place]] * 0x010101);
  }
  context.putImageData(image, 0, 0);
}
