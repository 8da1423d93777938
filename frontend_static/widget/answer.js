// One answer of the bot, from the first status to its end.

import { addChips, aimChips, sourceList } from "./citations.js";
import { el } from "./dom.js";
import { fragmentOf } from "./html.js";
import { texts } from "./texts.js";

const UNFINISHED = new Set(["answering", "failed", "interrupted"]);

export class Answer {
  #sources = new Map();
  #running = document.createTextNode("");
  #runningText = "";
  #blocks = el("div", { class: "blocks", dir: "auto" });
  #paragraph = el("p", { class: "running", dir: "auto" });
  #status = el("p", { class: "status" });
  #announce;

  /** `announce(text)` reads a finished text to those who listen rather than look. */
  constructor(announce) {
    this.#announce = announce;
    this.#paragraph.append(this.#running);
    this.element = el("div", { class: "message bot" }, this.#blocks, this.#paragraph, this.#status);
  }

  /** A stored answer, complete at once. */
  static restored(message) {
    const answer = new Answer(() => {});
    answer.done(message);
    return answer;
  }

  status({ phase, position }) {
    const text = phase === "queued" ? texts.queued(position) : (texts[phase] ?? "");
    if (this.#status.textContent === text) return;
    const dots = el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
    this.#status.replaceChildren(dots, text);
    this.#announce(text);
  }

  sources({ sources }) {
    this.#sources = new Map(sources.map((source) => [source.n, source]));
  }

  delta({ text }) {
    this.#setRunning(this.#runningText + text);
  }

  block({ html, rest }) {
    this.#setRunning(rest);
    this.#append(html);
  }

  done({ html, state, citations, answered_by: answeredBy }) {
    this.#setRunning("");
    this.#status.replaceChildren();
    for (const citation of citations) this.#sources.set(citation.n, citation);
    if (html !== undefined) {
      this.#blocks.replaceChildren();
      this.#append(html);
    }
    aimChips(this.#blocks, this.#sources);
    if (citations.length) this.element.append(sourceList(citations));
    if (answeredBy === "fallback" && state === "complete") this.#remark(texts.fallback);
    if (state === "stopped") this.stopped();
    if (UNFINISHED.has(state)) this.#remark(texts.interrupted);
  }

  stopped() {
    this.#remark(texts.stopped);
  }

  /** Keeps what was written, says what went wrong, and offers `action` as `{ label, run }`. */
  fail(message, action) {
    this.#status.replaceChildren();
    const button = el("button", { type: "button", class: "action" }, action.label);
    button.addEventListener("click", action.run);
    this.element.append(el("div", { class: "problem", role: "alert" }, el("p", {}, message), button));
  }

  #append(html) {
    const fragment = fragmentOf(html);
    const spoken = fragment.cloneNode(true);
    for (const mark of spoken.querySelectorAll("sup")) mark.remove();
    this.#announce(spoken.textContent.trim());
    addChips(fragment, this.#sources);
    this.#blocks.append(fragment);
  }

  #remark(text) {
    this.#status.replaceChildren(text);
    this.#announce(text);
  }

  #setRunning(text) {
    this.#runningText = text;
    this.#running.data = text.replace(/\*\*|__|`|^#+ /gm, ""); // the marks come and go as it is typed
    if (text) this.#status.replaceChildren();
  }
}
