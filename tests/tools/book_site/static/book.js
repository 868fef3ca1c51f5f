// What the book's pages do: a figure opens large; what scrolls, and a narrow window's drawers, can be reached by
// keyboard; the search quotes what it finds.
"use strict";

// The search's marks are for text alone, and a title inside an icon is none: the marking would stop there.
document.querySelectorAll("svg title").forEach((title) => title.classList.add("nohighlight"));

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

// Below each page that the search finds, the words around the place: conf.py wrote the prose of all pages as scripts,
// since a page that was opened from a file may not fetch another.
const texts = {}, loading = {};
const EXCERPT = 240, BEFORE = 80;

function load(name) {
  loading[name] ??= new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = `_static/texts/${name}.js`;
    script.addEventListener("load", resolve);
    document.body.append(script);
  });
  return loading[name];
}

// Where all the words stand one after the other from some place on, or else the first of them that stands there, whole
// or as the beginning of another word: for "training" the search finds "trained", too.
function place(text, words, from) {
  const whole = [words.join("\\P{L}+"), ...words].map((word) => `${word}(?!\\p{L})`);
  const begun = words.flatMap((word) => Array.from(word, (_, k) => word.slice(0, word.length - k)).slice(0, -2));
  for (const pattern of [...whole, ...begun]) {
    const at = text.slice(from).search(new RegExp(`(?<!\\p{L})${pattern}`, "u"));
    if (at >= 0) return from + at;
  }
  return from;
}

async function quote(item, words) {
  const link = item.querySelector("a"), [address] = link.getAttribute("href").split("#");
  const name = address.replace(/\.html$/, "");
  await load(name);
  const heading = link.textContent.split(" > ").pop(), text = texts[name];
  const from = text.includes(heading) ? text.indexOf(heading) + heading.length : 0;
  const start = Math.max(place(text.toLowerCase(), words, from) - BEFORE, from);
  const begin = start > from ? text.indexOf(" ", start) + 1 : from, most = begin + EXCERPT;
  const end = most < text.length ? text.lastIndexOf(" ", most) : text.length;
  const excerpt = document.createElement("p");
  excerpt.className = "context";
  excerpt.textContent = `${begin > from ? "… " : ""}${text.slice(begin, end).trim()}${end < text.length ? " …" : ""}`;
  item.append(excerpt);
}

function quoting(results) {
  const words = (new URLSearchParams(location.search).get("q") ?? "").toLowerCase().match(/[\p{L}\p{N}_]+/gu);
  if (!results || !words) return;
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes)
      for (const item of addedNodes) if (item.matches?.("ul.search > li")) quote(item, words);
  }).observe(results, { childList: true, subtree: true });
}

quoting(document.getElementById("search-results"));
drawer("navigation", "Contents of the book", document.querySelector(".sidebar-drawer"));
drawer("toc", "On this page", document.querySelector(".toc-drawer"));
document.addEventListener("click", enlarge);
window.addEventListener("resize", reachable);
window.addEventListener("load", reachable);
