// <bf-dropzone> around a file input: files may be dropped on it, and the chosen ones are listed.

const UNITS = ["B", "kB", "MB", "GB"];

function formatSize(bytes) {
  const step = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1);
  return `${(bytes / 1000 ** step).toFixed(step > 1 ? 1 : 0)} ${UNITS[step]}`;
}

class Dropzone extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector('input[type="file"]');
    if (!this.input || this.list) return;
    this.classList.add("is-ready");
    this.hint = document.createElement("p");
    this.hint.className = "dropzone-hint";
    this.hint.textContent = "Drop files here, or choose them";
    this.list = document.createElement("ul");
    this.list.className = "dropzone-files";
    this.list.setAttribute("aria-live", "polite");
    this.input.before(this.hint);
    this.input.closest(".field").after(this.list);
    this.input.addEventListener("change", () => this.show());
    for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
      this.addEventListener(name, (event) => this.drag(event));
    }
    this.show();
  }

  drag(event) {
    event.preventDefault();
    const isLeaving = event.type === "dragleave" && !this.contains(event.relatedTarget);
    this.classList.toggle("is-over", !isLeaving && event.type !== "drop");
    if (event.type === "drop") this.keep([...this.input.files, ...event.dataTransfer.files]);
  }

  keep(files) {
    const transfer = new DataTransfer();
    const seen = new Set();
    for (const file of files) {
      const key = `${file.name}/${file.size}/${file.lastModified}`;
      if (!seen.has(key)) transfer.items.add(file);
      seen.add(key);
    }
    this.input.files = transfer.files;
    this.show();
  }

  show() {
    const files = [...this.input.files];
    this.list.replaceChildren(...files.map((file) => this.row(file, files)));
  }

  row(file, files) {
    const item = document.createElement("li");
    const name = document.createElement("span");
    name.className = "dropzone-name";
    name.textContent = file.name;
    const size = document.createElement("span");
    size.className = "dropzone-size";
    size.textContent = formatSize(file.size);
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "button button-plain button-small";
    remove.textContent = "Remove";
    remove.setAttribute("aria-label", `Remove ${file.name}`);
    remove.addEventListener("click", () => this.keep(files.filter((other) => other !== file)));
    item.append(name, size, remove);
    return item;
  }
}

customElements.define("bf-dropzone", Dropzone);
