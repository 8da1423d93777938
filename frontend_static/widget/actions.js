// What can be done with the last turn: have its answer again, change its question.

import { el } from "./dom.js";
import { texts } from "./texts.js";

export class TurnActions {
  #element = el("div", { class: "actions" });

  /** The element with both buttons, to be put under the answer. */
  of(again, edit) {
    this.#element.replaceChildren(button(texts.again, again), button(texts.edit, edit));
    return this.#element;
  }

  remove() {
    this.#element.remove();
  }
}

function button(text, run) {
  const element = el("button", { type: "button", class: "quiet" }, text);
  element.addEventListener("click", run);
  return element;
}
