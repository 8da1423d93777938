// Citations: numbered chips in the text and a list under it, both opening the source at the passage.

import { el } from "./dom.js";
import { texts } from "./texts.js";

/**
 * Where a citation leads, or null: only http and https, whatever the crawled page called itself.
 * `link` opens the passage; before the answer ends there is only the page's own address.
 */
export function addressOf({ link, url }) {
  let address;
  try {
    address = new URL(link || url);
  } catch {
    return null;
  }
  return address.protocol === "https:" || address.protocol === "http:" ? address.href : null;
}

/** Turns each `<sup data-n>` of `root` into a chip; known sources are in `sources` by number. */
export function addChips(root, sources) {
  for (const mark of root.querySelectorAll("sup[data-n]")) {
    const source = sources.get(Number(mark.dataset.n));
    if (source) mark.replaceWith(chip(source));
  }
}

/** Points the chips of `root` at their passages, once the texts are known. */
export function aimChips(root, sources) {
  for (const link of root.querySelectorAll("a.chip")) {
    const source = sources.get(Number(link.dataset.n));
    if (source) link.href = addressOf(source) ?? link.href;
  }
}

function chip(source) {
  const label = texts.openSource(source.n, titleOf(source));
  const attributes = { class: "chip", "data-n": source.n, title: titleOf(source) };
  const href = addressOf(source);
  if (href) return el("a", { ...attributes, ...outward(href), "aria-label": label }, String(source.n));
  const button = el("button", { ...attributes, type: "button", "aria-label": label }, String(source.n));
  button.addEventListener("click", () => unfold(button.closest(".message"), source.n));
  return button;
}

function unfold(message, n) {
  const passage = message.querySelector(`details[data-n="${n}"]`);
  if (!passage) return; // the answer is still being written
  passage.open = true;
  passage.scrollIntoView({ block: "nearest" });
}

/** The list under an answer. A source without an address unfolds its passage instead. */
export function sourceList(citations) {
  const rows = citations.map((citation) => {
    const href = addressOf(citation);
    const row = [
      el("span", { class: "number", "aria-hidden": "true" }, String(citation.n)),
      el(
        "span",
        { class: "about" },
        el("span", { class: "title", dir: "auto" }, titleOf(citation)),
        el("span", { class: "where" }, whereOf(citation, href) || texts.showPassage),
      ),
    ];
    if (href) return el("li", {}, el("a", { class: "source", ...outward(href) }, ...row));
    const passage = el("p", { class: "passage", dir: "auto" }, citation.text ?? "");
    const summary = el("summary", { class: "source" }, ...row);
    return el("li", {}, el("details", { "data-n": citation.n }, summary, passage));
  });
  return el(
    "section",
    { class: "sources", "aria-label": texts.sources },
    el("h3", {}, texts.sources),
    el("ol", {}, ...rows),
  );
}

function titleOf({ title, url }) {
  return title || url || texts.untitled;
}

function whereOf({ page }, href) {
  const host = href ? new URL(href).host : "";
  return [host, page ? texts.page(page) : ""].filter(Boolean).join(" · ");
}

function outward(href) {
  return { href, target: "_blank", rel: "noopener nofollow" };
}
