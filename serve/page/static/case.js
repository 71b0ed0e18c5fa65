// A case: its picture, its badge, its review, and the keys for all of them.
import { bind } from "./keys.js";
import { frame } from "./frame.js";
import { verify } from "./badge.js";
import { showPicture } from "./picturepanel.js";

function follow(selector) {
  const link = document.querySelector(selector);
  if (!link) return false;
  link.click();
  return true;
}

function unfold(id, field) {
  const part = document.getElementById(id);
  if (!part) return false;
  part.open = true;
  part.querySelector(field).focus();
  return true;
}

bind("j", () => follow("a[rel=next]"));
bind("k", () => follow("a[rel=prev]"));
bind("u", () => follow("[data-key=u]"));
bind("a", () => follow("#acknowledge button"));
bind("d", () => unfold("disagreeing", "select"));
bind("s", () => unfold("assigning", "input[name=assignee]"));
frame();
document.querySelector("[data-conflict]")?.focus();
for (const part of document.querySelectorAll("[data-verify]")) verify(part);
const panel = document.querySelector("[data-viewer]");
if (panel) showPicture(panel);
