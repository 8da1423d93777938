// A fragment that renews itself: details stay open, and what is new is said to screen readers once.

function openIds() {
  return [...document.querySelectorAll("details[id][open]")].map((details) => details.id);
}

let open = [];

document.addEventListener("htmx:beforeSwap", () => {
  open = openIds();
});

document.addEventListener("htmx:afterSettle", () => {
  for (const id of open) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
  const announcer = document.getElementById("announcer");
  const text = document.querySelector("[data-announce]")?.dataset.announce ?? "";
  if (announcer && announcer.textContent !== text) announcer.textContent = text;
});
