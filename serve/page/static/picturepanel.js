// Puts the viewer, its tools, its keys and the stack together.
import { bind } from "./keys.js";
import { fetchGrey } from "./grey.js";
import { listenToHand } from "./gestures.js";
import { drawScale } from "./layers.js";
import { Stack } from "./stack.js";
import { Viewer } from "./viewer.js";

const NAMES = ["whole", "usual", "dark", "middle", "bright"];
const FAR = 40;

function actions(viewer) {
  return {
    in: () => viewer.zoomBy(1.25),
    out: () => viewer.zoomBy(0.8),
    fit: () => viewer.fit(),
    reset: () => viewer.reset(),
    invert: () => viewer.change({ inverted: !viewer.look.inverted }),
    overlay: () => viewer.change({ shown: !viewer.look.shown }),
  };
}

function bindKeys(viewer, stack, act) {
  bind("+ =", act.in);
  bind("-", act.out);
  bind("0", act.fit);
  bind("r", act.reset);
  bind("i", act.invert);
  bind("o", act.overlay);
  bind("[ PageUp", () => stack.move(-1));
  bind("] PageDown", () => stack.move(1));
  NAMES.forEach((name, place) => bind(String(place + 1), () => viewer.usePreset(name)));
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  for (const [key, [x, y]] of Object.entries(moves)) {
    bind(key, (event) => event.target === viewer.canvas && (viewer.pan(-x * FAR, -y * FAR), true));
    bind(`Shift+${key}`, () => viewer.moveWindow(x * 0.05, -y * 0.05));
  }
}

function bindTools(panel, viewer, act) {
  const find = (name) => panel.querySelector(`[data-${name}]`);
  for (const button of panel.querySelectorAll("[data-do]")) button.addEventListener("click", act[button.dataset.do]);
  find("preset").addEventListener("change", (event) => viewer.usePreset(event.target.value));
  find("opacity")?.addEventListener("input", (event) => viewer.change({ opacity: event.target.value / 100 }));
  find("layer")?.addEventListener("change", (event) => viewer.pickLayer(Number(event.target.value)));
  find("colours")?.addEventListener("change", (event) => {
    viewer.change({ colours: event.target.value });
    drawScale(find("scale"), event.target.value);
  });
}

function teller(panel) {
  const find = (name) => panel.querySelector(`[data-${name}]`);
  return (viewer) => {
    find("preset").value = viewer.preset;
    panel.querySelector("[data-do=invert]").setAttribute("aria-pressed", viewer.look.inverted);
    panel.querySelector("[data-do=overlay]")?.setAttribute("aria-pressed", viewer.look.shown);
    const { low, high } = viewer.window;
    const zoom = Math.round(viewer.place().scale * 100);
    const window = `W ${Math.round(high - low)}  L ${Math.round((high + low) / 2)}  ${zoom} %`;
    const point = viewer.point ? `\n${viewer.point.column}, ${viewer.point.row}: ${viewer.point.value}` : "";
    find("readout").textContent = window + point;
    viewer.canvas.dataset.drawn = String(Number(viewer.canvas.dataset.drawn || 0) + 1);
  };
}

async function layersOf(panel, record) {
  if (record === panel.dataset.record) return JSON.parse(panel.dataset.layers);
  const answer = await fetch(panel.dataset.api + record);
  return answer.ok ? (await answer.json()).layers : [];
}

async function load(panel, viewer, record) {
  const gone = panel.querySelector("[data-gone]");
  try {
    const picture = fetchGrey(`${panel.dataset.case}${record}/picture`);
    const [grey, layers] = await Promise.all([picture, layersOf(panel, record)]);
    gone.hidden = true;
    viewer.canvas.hidden = false;
    viewer.show(grey, layers);
  } catch (error) {
    viewer.canvas.hidden = true;
    gone.hidden = false;
    gone.textContent = `No picture: ${error.message}.`;
  }
}

export async function showPicture(panel) {
  const canvas = panel.querySelector("[data-canvas]");
  const viewer = new Viewer(canvas, teller(panel));
  const act = actions(viewer);
  const show = (record) => load(panel, viewer, record);
  const stack = new Stack(panel.querySelector("[data-stack]"), panel.dataset.record, show);
  await show(panel.dataset.record);
  if (!viewer.grey) return;
  panel.querySelector("[data-tools]").hidden = false;
  const legend = panel.querySelector("[data-legend]");
  if (legend) {
    legend.hidden = false;
    drawScale(legend.querySelector("canvas"), viewer.look.colours);
  }
  bindTools(panel, viewer, act);
  bindKeys(viewer, stack, act);
  listenToHand(viewer, { scroll: (by) => stack.move(by), hover: (here) => {
    viewer.point = viewer.valueAt(here.x, here.y);
    teller(panel)(viewer);
  } });
}
