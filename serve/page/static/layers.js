// Maps, masks and boxes of a record, drawn once into a small canvas that the viewer stretches over the picture.
import { colour, strength } from "./colours.js";

const SIDE = 256;
const LINES = [0.35, 0.55, 0.75];

function bytes(layer) {
  return Uint8Array.from(atob(layer.values), (letter) => letter.charCodeAt(0));
}

// Cells are centred where they lie in the picture; between them the values run smoothly.
function sampler(layer) {
  const values = bytes(layer);
  const at = (row, column) => values[row * layer.columns + column] / 255;
  const near = (place, side) => Math.min(Math.max(place, 0), side - 1);
  return (down, across) => {
    const y = near(down * layer.rows - 0.5, layer.rows);
    const x = near(across * layer.columns - 0.5, layer.columns);
    const [top, left] = [Math.floor(y), Math.floor(x)];
    const [low, right] = [near(top + 1, layer.rows), near(left + 1, layer.columns)];
    const upper = at(top, left) * (1 - x + left) + at(top, right) * (x - left);
    const lower = at(low, left) * (1 - x + left) + at(low, right) * (x - left);
    return upper * (1 - y + top) + lower * (y - top);
  };
}

function paint(size, shade) {
  const canvas = document.createElement("canvas");
  canvas.width = size.columns;
  canvas.height = size.rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(size.columns, size.rows);
  for (let place = 0; place < size.columns * size.rows; place += 1) {
    const down = (Math.floor(place / size.columns) + 0.5) / size.rows;
    image.data.set(shade(down, ((place % size.columns) + 0.5) / size.columns), place * 4);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function heatShade(layer, colours) {
  const value = sampler(layer);
  return (down, across) => {
    const heat = value(down, across);
    return [...colour(colours, heat), 255 * strength(heat)];
  };
}

function lineShade(layer) {
  const value = sampler(layer);
  return (down, across) => {
    const heat = value(down, across);
    const slope = Math.hypot(value(down + 1 / SIDE, across) - heat, value(down, across + 1 / SIDE) - heat);
    const near = LINES.some((line) => Math.abs(heat - line) < slope * 0.75 + 1e-6);
    return near ? [...colour("inferno", 0.25 + 0.75 * heat), 255] : [0, 0, 0, 0];
  };
}

function maskShade(layer) {
  const values = bytes(layer);
  return (down, across) => {
    const row = Math.floor(down * layer.rows);
    const set = values[row * layer.columns + Math.floor(across * layer.columns)];
    return set ? [70, 200, 220, 200] : [0, 0, 0, 0];
  };
}

export function drawLayer(layer, colours) {
  const square = { rows: SIDE, columns: SIDE };
  if (layer.kind === "boxes") return null;
  if (layer.kind === "mask") return paint(layer, maskShade(layer));
  return paint(square, colours === "lines" ? lineShade(layer) : heatShade(layer, colours));
}

export function drawScale(canvas, colours) {
  const context = canvas.getContext("2d");
  for (let place = 0; place < canvas.width; place += 1) {
    const heat = place / (canvas.width - 1);
    const alpha = strength(heat);
    const pure = colour(colours === "lines" ? "inferno" : colours, heat);
    const shade = pure.map((value) => 96 * (1 - alpha) + value * alpha);
    context.fillStyle = `rgb(${shade.map(Math.round).join(" ")})`;
    context.fillRect(place, 0, 1, canvas.height);
  }
}
