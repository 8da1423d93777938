// <bf-copy for="id"></bf-copy>: a button that copies the text of that element.

const SHOWN_MS = 2000;

class CopyButton extends HTMLElement {
  connectedCallback() {
    if (this.querySelector("button")) return;
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "button button-quiet button-small";
    this.button.textContent = "Copy";
    this.button.setAttribute("aria-live", "polite");
    this.button.addEventListener("click", () => this.copy());
    this.append(this.button);
  }

  async copy() {
    const source = document.getElementById(this.getAttribute("for"));
    try {
      await navigator.clipboard.writeText(source.textContent);
      this.say("Copied");
    } catch {
      // No clipboard on plain http: leave the text selected, so that one keystroke copies it.
      getSelection().selectAllChildren(source);
      this.say("Press Ctrl+C");
    }
  }

  say(text) {
    this.button.textContent = text;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.button.textContent = "Copy"), SHOWN_MS);
  }
}

customElements.define("bf-copy", CopyButton);
