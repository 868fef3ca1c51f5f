"""Names, states and keys of a widget's controls, for who reads by ear or steers by keyboard.

ipywidgets gives its sliders no name, its toggles no state, writes title="null", and makes of each button of a group a
stop of the Tab key. One script in each panel mends that in the page, whenever something in the panel changes.
"""

import anywidget

SCRIPT = """
const ICONS = {"fa-play": "Play", "fa-pause": "Pause", "fa-stop": "Stop and go back to the start",
  "fa-retweet": "Repeat", "fa-refresh": "Repeat"};
const KEYS = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1};
const put = (part, values) => {
  for (const [name, value] of Object.entries(values)) {
    if (part.getAttribute(name) !== String(value)) part.setAttribute(name, value);
  }
};
const labelOf = part => part.closest(".widget-inline-hbox, .widget-inline-vbox, .jupyter-widgets")
  ?.querySelector(".widget-label")?.textContent.trim() || "";

function tidy(panel) {
  panel.querySelectorAll('[title="null"]').forEach(part => part.removeAttribute("title"));
  for (const handle of panel.querySelectorAll(".noUi-handle")) {
    const box = handle.closest(".widget-slider"), name = labelOf(handle) || "slider";
    const value = box?.querySelector(".widget-readout")?.textContent.trim();
    put(handle, {"aria-label": name, title: `${name}: arrow keys move it`, ...(value && {"aria-valuetext": value})});
  }
  for (const field of panel.querySelectorAll(".widget-readout[contenteditable]")) {
    put(field, {role: "textbox", "aria-label": `${labelOf(field) || "slider"}, the value`});
  }
  for (const bar of panel.querySelectorAll(".widget-hprogress .progress")) {
    const gone = parseFloat(bar.firstElementChild?.style.width) || 0;
    put(bar, {role: "progressbar", "aria-label": "part of the steps that are done", "aria-valuemin": 0,
      "aria-valuemax": 100, "aria-valuenow": Math.round(gone)});
  }
  for (const picture of panel.querySelectorAll("img.ganlab-picture, .ganlab-picture img")) {
    put(picture, {alt: picture.title || picture.closest("[title]")?.title || "a picture of this widget"});
  }
  for (const line of panel.querySelectorAll(".ganlab-readout")) put(line, {"aria-live": "polite", role: "status"});
  for (const button of panel.querySelectorAll("button")) {
    const icon = button.querySelector("i"), words = button.textContent.trim();
    const name = words || Object.entries(ICONS).find(([kind]) => icon?.classList.contains(kind))?.[1];
    if (!words && name) put(button, {"aria-label": name, title: name});
    if (button.classList.contains("widget-toggle-button") || button.closest(".widget-toggle-buttons")) {
      put(button, {"aria-pressed": button.classList.contains("mod-active")});
    }
  }
  for (const group of panel.querySelectorAll(".widget-toggle-buttons, .ganlab-group")) {
    const buttons = [...group.querySelectorAll("button")], label = labelOf(group);
    put(group, {role: "group", ...(label && !group.classList.contains("ganlab-group") && {"aria-label": label})});
    const stop = buttons.find(button => button === document.activeElement) ||
      buttons.find(button => button.classList.contains("mod-active")) || buttons[0];
    for (const button of buttons) {
      put(button, {tabindex: button === stop ? 0 : -1, "data-lm-suppress-shortcuts": "true"});
    }
  }
}

// Arrow keys go from button to button; in a group of which one is pressed they press it, too.
function go(event) {
  const group = event.target.closest?.(".widget-toggle-buttons, .ganlab-group");
  if (!group || event.target.tagName !== "BUTTON" || event.altKey || event.ctrlKey || event.metaKey) return;
  const buttons = [...group.querySelectorAll("button:not([disabled])")], at = buttons.indexOf(event.target);
  const ends = {Home: 0, End: buttons.length - 1};
  const next = event.key in ends ? ends[event.key] : (at + KEYS[event.key] + buttons.length) % buttons.length;
  if (!Number.isInteger(next)) return;
  event.preventDefault();
  event.stopPropagation();
  buttons[next].focus();
  if (!group.classList.contains("ganlab-group")) buttons[next].click();
}

function render({ el }) {
  el.style.display = "none";
  let panel = null, queued = false, ended = false;
  const observer = new MutationObserver(() => {
    if (queued) return;
    queued = true;
    requestAnimationFrame(() => { queued = false; tidy(panel); });
  });
  const begin = () => {
    panel = el.closest(".ganlab-widget");
    if (!panel) return ended || setTimeout(begin, 50);  // the panel takes its children in after they are made
    tidy(panel);
    panel.addEventListener("keydown", go);
    panel.addEventListener("focusin", () => tidy(panel));
    observer.observe(panel, {subtree: true, childList: true, characterData: true, attributes: true,
      attributeFilter: ["class", "title", "style"]});
  };
  begin();
  return () => { ended = true; observer.disconnect(); };
}
export default { render };
"""


class Access(anywidget.AnyWidget):
    """The script, as a part of a panel that is not seen."""

    _esm = SCRIPT

    def __init__(self) -> None:
        super().__init__(layout={"display": "none"})
