// <bf-range low="..." high="...">: says what the two ends of the range inside it mean, and its value.

class RangeValue extends HTMLElement {
  connectedCallback() {
    const input = this.querySelector('input[type="range"]');
    if (!input || this.querySelector("output")) return;
    const output = document.createElement("output");
    const show = () => {
      output.textContent = Number(input.value).toFixed(2);
    };
    input.addEventListener("input", show);
    show();
    const scale = document.createElement("div");
    scale.className = "range-scale";
    scale.append(this.label("low"), output, this.label("high"));
    input.after(scale);
  }

  label(name) {
    const span = document.createElement("span");
    span.textContent = this.getAttribute(name);
    return span;
  }
}

customElements.define("bf-range", RangeValue);
