// Light or dark: as the system says, until the reader says otherwise.

import { attr, h, text } from "./dom.js";

const ORDER = ["auto", "light", "dark"];
const SIGN = { auto: "◐", light: "○", dark: "●" };
const listeners = new Set();

let theme = "auto";
try {
  theme = localStorage.getItem("iris-theme") ?? "auto";
} catch {
  // Without storage the choice lasts as long as the page.
}

/** onTheme calls f after each change of colours. */
export const onTheme = (f) => listeners.add(f);

function apply() {
  attr(document.documentElement, "data-theme", theme !== "auto" && theme);
  for (const f of listeners) f();
}

/** themeButton makes the button that goes round the three. */
export function themeButton() {
  const button = h("button", { type: "button", class: "icon", onclick: turn });
  function show() {
    text(button, SIGN[theme] ?? SIGN.auto);
    attr(button, "title", `Colours: ${theme} (t)`);
    attr(button, "aria-label", `Colours: ${theme}`);
  }
  function turn() {
    theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
    try {
      localStorage.setItem("iris-theme", theme);
    } catch {
      // As above.
    }
    apply();
    show();
  }
  show();
  return button;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => apply());
apply();
