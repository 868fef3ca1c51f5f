// What the book's pages do: a figure opens large, and what scrolls can be reached and scrolled by keyboard.
"use strict";

// The link to the picture itself is what readers without scripts have.
function enlarge(event) {
  const link = event.target.closest("a.enlarge");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const dialog = document.createElement("dialog");
  const picture = link.querySelector("img").cloneNode();
  const close = document.createElement("button");
  dialog.className = "enlarged";
  dialog.setAttribute("aria-label", "Figure");
  picture.removeAttribute("height");
  picture.removeAttribute("loading");
  close.textContent = "Close";
  dialog.append(picture, close);
  dialog.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
  document.body.append(dialog);
  dialog.showModal();
}

// A stop for the Tab key where something is wider than its place, and nowhere else.
function reachable() {
  for (const box of document.querySelectorAll("pre, .table-wrapper, .formula")) {
    if (box.scrollWidth <= box.clientWidth) {
      for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
      continue;
    }
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", box.matches("pre") ? "Code" : box.matches(".formula") ? "Formula" : "Table");
  }
}

document.addEventListener("click", enlarge);
window.addEventListener("resize", reachable);
window.addEventListener("load", reachable);
