// Keys for those who do without a mouse: a list of them under ?, and there the switch to turn them off (WCAG 2.1.4), since
// single letters get in the way of speech input. Every one of them has a control on the page that does the same.
import { element } from "/assets/format.js";

const SETTING = "weir-keys";
const SEQUENCE_MS = 1_000;

/** @param actions what each key does: { "g o": ["go to the overview", () => …] }, one key or two in a row */
export function watchKeys(actions) {
  const all = { ...actions, "?": ["show this list", () => dialog.showModal()] };
  const dialog = makeDialog(all);
  let before = "";
  let beforeAt = 0;

  addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open || event.target.closest("input, select, textarea, [contenteditable]") || !enabled()) {
      return;
    }

    const pair = event.timeStamp - beforeAt < SEQUENCE_MS ? `${before} ${event.key}` : "";
    const [, action] = all[pair] ?? all[event.key] ?? [];
    before = event.key;
    beforeAt = event.timeStamp;
    if (action !== undefined) {
      event.preventDefault();
      action();
    }
  });
}

function enabled() {
  try {
    return localStorage.getItem(SETTING) !== "off";
  } catch {
    return true;
  }
}

function makeDialog(actions) {
  const list = element("dl", "keys", ...Object.entries(actions).map(([keys, [words]]) =>
    element("div", "", element("dt", "", ...keys.split(" ").map(key => element("kbd", "", key))), element("dd", "", words))));
  const box = element("input");
  box.type = "checkbox";
  box.checked = enabled();
  box.addEventListener("change", () => {
    try {
      localStorage.setItem(SETTING, box.checked ? "on" : "off");
    } catch {
      box.checked = true; // storage is refused: nothing to keep the choice in
    }
  });

  const close = element("button", "", "Close");
  const form = element("form", "", close);
  form.method = "dialog";
  const title = element("h2", "", "Keys");
  title.id = "keys-title";
  const dialog = element("dialog", "", title, list, element("label", "", box, " Keys are on"), form);
  dialog.setAttribute("aria-labelledby", title.id);
  document.body.append(dialog);

  const open = document.querySelector("[data-keys]");
  open.addEventListener("click", () => dialog.showModal());
  return dialog;
}
