// One table of keys for a page; typing in a field is never taken for a key.

const bound = new Map();

export function bind(keys, action) {
  for (const key of keys.split(" ")) bound.set(key === "space" ? " " : key, action);
}

function isTyping(target) {
  return target.matches("textarea, select, [contenteditable], input:not([type=range])");
}

function nameOf(event) {
  return event.shiftKey && event.key.startsWith("Arrow") ? `Shift+${event.key}` : event.key;
}

export function listen() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input[type=range]") && event.key.startsWith("Arrow")) return;
    const action = bound.get(nameOf(event));
    if (action && action(event) !== false) event.preventDefault();
  });
}
