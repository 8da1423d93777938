// A fragment that renews itself: details stay open, what one looks at stays where it is, and what is
// new is said to screen readers once.

let open = [];
let place = null;

/** The element to hold still: the focused one, or the first row in sight below the summary. */
function lookedAt() {
  const report = document.getElementById("report");
  if (!report) return null;
  const focused = document.activeElement;
  if (focused?.id && report.contains(focused)) return focused;
  const isAbove = document.getElementById("summary")?.getBoundingClientRect().bottom < 0;
  const rows = isAbove ? [...report.querySelectorAll("tr [id]")] : [];
  return rows.find((row) => row.getBoundingClientRect().top >= 0) ?? null;
}

document.addEventListener("htmx:beforeSwap", () => {
  open = [...document.querySelectorAll("details[id][open]")].map((details) => details.id);
  const element = lookedAt();
  place = element && { id: element.id, top: element.getBoundingClientRect().top };
});

document.addEventListener("htmx:afterSettle", () => {
  for (const id of open) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
  const element = place && document.getElementById(place.id);
  if (element) scrollBy(0, element.getBoundingClientRect().top - place.top);
  const announcer = document.getElementById("announcer");
  const text = document.querySelector("[data-announce]")?.dataset.announce ?? "";
  if (announcer && announcer.textContent !== text) announcer.textContent = text;
});
