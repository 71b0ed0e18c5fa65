// The list by keys: the focus goes from case to case.
import { bind } from "./keys.js";
import { frame } from "./frame.js";

const links = [...document.querySelectorAll(".cases .go")];

function step(by) {
  const here = links.indexOf(document.activeElement);
  const next = links[here < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(here + by, 0), links.length - 1)];
  if (!next) return false;
  next.focus();
  next.closest("tr").scrollIntoView({ block: "nearest" });
  return true;
}

function follow(selector) {
  const link = document.querySelector(selector);
  if (!link) return false;
  link.click();
  return true;
}

bind("j ArrowDown", () => step(1));
bind("k ArrowUp", () => step(-1));
bind("n", () => follow("a[rel=next]"));
bind("p", () => follow("a[rel=prev]"));
bind("/", () => document.querySelector("input[type=search]")?.focus());
frame();
