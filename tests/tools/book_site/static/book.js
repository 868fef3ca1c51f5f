// What the book's pages do: a figure opens large; what scrolls, and a narrow window's drawers, can be reached by keyboard.
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

// In a narrow window contents and headings lie in drawers, which the theme opens by mouse only: by keyboard, too.
function drawer(name, label, part) {
  const box = document.getElementById(`__${name}`);
  const buttons = [...document.querySelectorAll(`label[for=__${name}]:not(.overlay)`)];
  if (!part || !buttons.length) return;
  let opener = buttons[0];
  function settle() {
    for (const button of buttons) button.setAttribute("aria-expanded", String(box.checked));
    if (box.checked) [...part.querySelectorAll("a, input")].find((one) => one.checkVisibility())?.focus();
  }
  function close() {
    if (!box.checked) return;
    box.checked = false;
    settle();
  }
  for (const button of buttons) {
    button.tabIndex = 0;
    button.setAttribute("role", "button");
    button.setAttribute("aria-label", label);
    button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      opener = button;
      box.checked = !box.checked;
      settle();
    });
  }
  box.addEventListener("change", settle);
  part.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !box.checked) return;
    close();
    opener.focus();
  });
  part.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !part.contains(event.relatedTarget)) close();
  });
  settle();
}

drawer("navigation", "Contents of the book", document.querySelector(".sidebar-drawer"));
drawer("toc", "On this page", document.querySelector(".toc-drawer"));
document.addEventListener("click", enlarge);
window.addEventListener("resize", reachable);
window.addEventListener("load", reachable);
