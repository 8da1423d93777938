// The box that questions are typed into. Enter sends, Shift+Enter breaks the line.

import { el } from "./dom.js";
import { texts } from "./texts.js";

export class Composer {
  #form;
  #box;
  #send;
  #stop;
  #isBusy = false;
  #note = el("p", { class: "editing", hidden: "" });
  #onSend;
  #onEdited = null;

  constructor(form, { onSend, onStop }) {
    this.#form = form;
    this.#onSend = onSend;
    const cancel = el("button", { type: "button", class: "quiet" }, texts.cancel);
    cancel.addEventListener("click", () => this.#endEdit(""));
    this.#note.append(texts.editing, cancel);
    form.before(this.#note);
    this.#box = form.querySelector("textarea");
    this.#send = form.querySelector("[data-send]");
    this.#stop = form.querySelector("[data-stop]");
    // Not the form's own event: browsers hold it back on sites that sandbox themselves.
    this.#send.addEventListener("click", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#box.addEventListener("keydown", (event) => {
      // While an input method composes, Enter chooses a word.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    this.#box.addEventListener("input", () => this.#update());
    this.#stop.addEventListener("click", onStop);
    this.#update();
  }

  #submit() {
    const question = this.#box.value.trim();
    if (!question || this.#isBusy) return;
    const send = this.#onEdited ?? this.#onSend;
    this.#endEdit("");
    send(question);
  }

  set busy(isBusy) {
    const hadFocus = this.#form.contains(document.activeElement);
    this.#isBusy = isBusy;
    this.#send.hidden = isBusy;
    this.#stop.hidden = !isBusy;
    if (hadFocus) this.focus();
  }

  /** Lets the visitor change `question`; what is sent then goes to `onEdited`. */
  edit(question, onEdited) {
    this.#endEdit(question);
    this.#onEdited = onEdited;
    this.#note.hidden = false;
  }

  #endEdit(text) {
    this.#onEdited = null;
    this.#note.hidden = true;
    this.#box.value = text;
    this.#update();
    this.focus();
  }

  focus() {
    this.#box.focus();
  }

  #update() {
    this.#send.disabled = !this.#box.value.trim();
    this.#box.style.height = "auto";
    this.#box.style.height = `${this.#box.scrollHeight}px`;
  }
}
