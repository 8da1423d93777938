// The box that questions are typed into. Enter sends, Shift+Enter breaks the line.

export class Composer {
  #form;
  #box;
  #send;
  #stop;
  #isBusy = false;

  constructor(form, { onSend, onStop }) {
    this.#form = form;
    this.#box = form.querySelector("textarea");
    this.#send = form.querySelector("[data-send]");
    this.#stop = form.querySelector("[data-stop]");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const question = this.#box.value.trim();
      if (!question || this.#isBusy) return;
      this.#box.value = "";
      this.#update();
      onSend(question);
    });
    this.#box.addEventListener("keydown", (event) => {
      // While an input method composes, Enter chooses a word.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    this.#box.addEventListener("input", () => this.#update());
    this.#stop.addEventListener("click", onStop);
    this.#update();
  }

  set busy(isBusy) {
    const hadFocus = this.#form.contains(document.activeElement);
    this.#isBusy = isBusy;
    this.#send.hidden = isBusy;
    this.#stop.hidden = !isBusy;
    if (hadFocus) this.focus();
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
