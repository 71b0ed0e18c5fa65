// The picture on its canvas: window and level, zoom at the pointer, pan, inversion, a layer above it.
import { drawGrey, presets } from "./grey.js";
import { drawLayer } from "./layers.js";

const CLOSEST = 32;

export class Viewer {
  constructor(canvas, told) {
    this.canvas = canvas;
    this.told = told;
    this.under = document.createElement("canvas");
    this.look = { opacity: 0.4, colours: "inferno", shown: true, inverted: false };
    this.at = { zoom: 1, x: 0, y: 0 };
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(grey, layers) {
    this.grey = grey;
    this.layers = layers;
    this.window = presets(grey).usual;
    this.preset = "usual";
    this.stale = true;
    this.pickLayer(0);
  }

  pickLayer(number) {
    this.number = number;
    const layer = this.layers[number];
    this.above = layer ? drawLayer(layer, this.look.colours) : null;
    this.draw();
  }

  change(look) {
    Object.assign(this.look, look);
    if ("inverted" in look) this.stale = true;
    if ("colours" in look) this.pickLayer(this.number);
    else this.draw();
  }

  usePreset(name) {
    this.preset = name;
    this.setWindow(presets(this.grey)[name]);
  }

  setWindow(window) {
    this.window = window;
    this.stale = true;
    this.draw();
  }

  // Both in parts of the range that the picture uses: width, level.
  moveWindow(wider, higher) {
    const unit = this.grey.high - this.grey.low;
    const width = Math.max(this.window.high - this.window.low + wider * unit, unit / 256);
    const level = (this.window.high + this.window.low) / 2 + higher * unit;
    this.preset = "own";
    this.setWindow({ low: level - width / 2, high: level + width / 2 });
  }

  zoomAt(x, y, factor) {
    const before = this.place();
    this.at.zoom = Math.min(Math.max(this.at.zoom * factor, 1), CLOSEST);
    const after = this.place();
    const grown = after.scale / before.scale;
    this.at.x += x - after.left - (x - before.left) * grown;
    this.at.y += y - after.top - (y - before.top) * grown;
    this.draw();
  }

  zoomBy(factor) {
    this.zoomAt(this.canvas.clientWidth / 2, this.canvas.clientHeight / 2, factor);
  }

  pan(x, y) {
    this.at.x += x;
    this.at.y += y;
    this.draw();
  }

  fit() {
    this.at = { zoom: 1, x: 0, y: 0 };
    this.draw();
  }

  reset() {
    Object.assign(this.look, { inverted: false, shown: true });
    this.usePreset("usual");
    this.fit();
  }

  // Where the picture lies on the canvas, in CSS pixels.
  place() {
    const { clientWidth: wide, clientHeight: high } = this.canvas;
    const scale = Math.min(wide / this.grey.columns, high / this.grey.rows) * this.at.zoom;
    const [width, height] = [this.grey.columns * scale, this.grey.rows * scale];
    return { scale, width, height, left: (wide - width) / 2 + this.at.x, top: (high - height) / 2 + this.at.y };
  }

  valueAt(x, y) {
    const { scale, left, top } = this.place();
    const [column, row] = [Math.floor((x - left) / scale), Math.floor((y - top) / scale)];
    const inside = column >= 0 && row >= 0 && column < this.grey.columns && row < this.grey.rows;
    return inside ? { column, row, value: this.grey.values[row * this.grey.columns + column] } : null;
  }

  draw() {
    if (!this.grey || this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.paint();
    });
  }

  paint() {
    if (this.stale) drawGrey(this.under, this.grey, this.window, this.look.inverted);
    this.stale = false;
    const dense = devicePixelRatio || 1;
    this.canvas.width = Math.round(this.canvas.clientWidth * dense);
    this.canvas.height = Math.round(this.canvas.clientHeight * dense);
    const context = this.canvas.getContext("2d");
    context.scale(dense, dense);
    const { scale, left, top, width, height } = this.place();
    context.imageSmoothingEnabled = scale < 4;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.under, left, top, width, height);
    if (this.look.shown) this.paintLayer(context, { scale, left, top, width, height });
    this.told(this);
  }

  paintLayer(context, { scale, left, top, width, height }) {
    context.imageSmoothingEnabled = true;
    context.globalAlpha = this.look.opacity;
    if (this.above) context.drawImage(this.above, left, top, width, height);
    context.globalAlpha = 1;
    context.strokeStyle = "#46c8dc";
    for (const [up, first, low, last] of this.layers[this.number]?.boxes || []) {
      context.strokeRect(left + first * scale, top + up * scale, (last - first) * scale, (low - up) * scale);
    }
  }
}
