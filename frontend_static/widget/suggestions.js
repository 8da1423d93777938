// Questions to send with a click: the bot's starter questions, then what may follow the last answer.

import { el } from "./dom.js";

export class Suggestions {
  #box;

  /** `box` may hold starter questions of the page already. `onChoose(question, isByKey)` sends one. */
  constructor(box, onChoose) {
    this.#box = box;
    box.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      this.offer();
      onChoose(button.textContent, event.detail === 0);
    });
  }

  /** Shows the starter questions. */
  start() {
    this.#box.hidden = !this.#box.children.length;
  }

  /** Shows `questions` in place of what stands there; none hide it. */
  offer(questions = []) {
    this.#box.replaceChildren(
      ...questions.map((question) => el("button", { type: "button", dir: "auto" }, question)),
    );
    this.#box.hidden = !questions.length;
  }
}
