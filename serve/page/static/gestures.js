// Mouse, pen and fingers on the picture: one drags the window, two pinch, the wheel scrolls or zooms.

const middle = (points, name) => (points[0][name] + points[1][name]) / 2;
const apart = (points) => Math.hypot(points[0].x - points[1].x, points[0].y - points[1].y);

function placed(canvas, event) {
  const frame = canvas.getBoundingClientRect();
  return { x: event.clientX - frame.left, y: event.clientY - frame.top };
}

function pinch(viewer, before, after) {
  viewer.zoomAt(middle(after, "x"), middle(after, "y"), apart(after) / Math.max(apart(before), 1));
  viewer.pan(middle(after, "x") - middle(before, "x"), middle(after, "y") - middle(before, "y"));
}

function drag(viewer, event, before, after) {
  const [x, y] = [after.x - before.x, after.y - before.y];
  if (event.buttons === 1 && !event.shiftKey && !event.ctrlKey) viewer.moveWindow(x / 300, -y / 300);
  else viewer.pan(x, y);
}

export function listenToHand(viewer, { scroll, hover }) {
  const { canvas } = viewer;
  const held = new Map();
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("pointerdown", (event) => {
    held.set(event.pointerId, placed(canvas, event));
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const here = placed(canvas, event);
    hover(here);
    if (!held.has(event.pointerId)) return;
    const before = [...held.values()];
    const old = held.get(event.pointerId);
    held.set(event.pointerId, here);
    if (held.size === 2) pinch(viewer, before, [...held.values()]);
    else drag(viewer, event, old, here);
  });
  const release = (event) => held.delete(event.pointerId);
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, release);
  canvas.addEventListener("dblclick", () => viewer.fit());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { x, y } = placed(canvas, event);
    if (event.ctrlKey || !scroll(Math.sign(event.deltaY))) viewer.zoomAt(x, y, Math.exp(-event.deltaY / 400));
  }, { passive: false });
}
