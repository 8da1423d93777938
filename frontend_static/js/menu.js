// <details class="menu">: one open at a time; closes on Escape and on a click elsewhere.

function closeOthers(keep) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!keep || !menu.contains(keep)) menu.open = false;
  }
}

document.addEventListener("click", (event) => closeOthers(event.target));
document.addEventListener("focusin", (event) => closeOthers(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
