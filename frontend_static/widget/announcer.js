// What screen readers are told. The visible transcript is silent, or each delta would be read.

import { el } from "./dom.js";

const MAX_LINES = 20;
const box = document.getElementById("announcer");

/** Says `text` once. */
export function announce(text) {
  if (!text) return;
  box.append(el("p", {}, text));
  while (box.children.length > MAX_LINES) box.firstChild.remove();
}
