// What every page has: the help, the switch between dark and light.
import { bind, listen } from "./keys.js";

function help() {
  const dialog = document.getElementById("help");
  const open = () => dialog.showModal();
  const button = document.querySelector("[data-help]");
  button.hidden = false;
  button.addEventListener("click", open);
  bind("?", open);
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : !matchMedia("(prefers-color-scheme: light)").matches;
}

function theme() {
  const button = document.querySelector("[data-theme-switch]");
  button.hidden = false;
  button.addEventListener("click", () => {
    const next = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    document.cookie = `theme=${next}; path=/; max-age=31536000; samesite=strict`;
  });
}

export function frame() {
  help();
  theme();
  listen();
}
