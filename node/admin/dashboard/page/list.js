// A long list, a page at a time: what is asked for, the table, the way through it.

import { get } from "./api.js";
import { attr, h, measured, text } from "./dom.js";
import { exact } from "./format.js";

const LIMIT = 100;

/**
 * list shows the report what in table. title stands above it; prefix is
 * set where names can be looked for; seen(items) is told what came before it is shown.
 */
export function list({ what, table, empty, title = null, prefix = false, seen = () => {} }) {
  const befores = []; // where the pages before this one begin
  let after = "";
  let next = "";
  const total = h("span", { class: "total" });
  const find = h("input", { type: "search", placeholder: "name begins with…", "aria-label": `${what} whose name begins with`, spellcheck: "false", oninput: restart });
  const back = h("button", { type: "button", onclick: () => turn(befores.pop() ?? "") }, "‹ before");
  const more = h("button", { type: "button", onclick: () => turn(next, befores.push(after)) }, "next ›");
  const nothing = h("p", { class: "empty" }, empty);
  const bar = h("div", { class: "bar" }, title && h("h3", {}, title), prefix && find, total, h("span", { class: "acts" }, back, more));
  const element = h("section", { class: "list" }, bar, h("div", { class: "scroll" }, table.element, nothing));

  function restart() {
    befores.length = 0;
    turn("");
  }

  function turn(to) {
    after = to;
    refresh();
  }

  async function refresh() {
    const begin = find.value;
    const asked = { limit: LIMIT, after: after || beforeAll(begin) };
    const page = await get(what, asked);
    if (begin !== find.value) return;
    measured(what, () => show(page, begin));
  }

  function show(page, begin) {
    const got = page.items ?? [];
    const items = begin ? got.filter((item) => item.name.startsWith(begin)) : got;
    next = items.length === got.length ? (page.next ?? "") : "";
    seen(items);
    table.update(items);
    text(total, begin ? `${exact(items.length)}${next ? "+" : ""} of ${exact(page.total)}` : exact(page.total ?? items.length));
    attr(nothing, "hidden", items.length > 0);
    attr(table.element, "hidden", items.length === 0);
    attr(back, "hidden", befores.length === 0 && after === "");
    attr(more, "hidden", next === "");
  }

  return { element, refresh, restart };
}

/** beforeAll returns a name that comes just before all that begin so. */
function beforeAll(begin) {
  if (begin === "") return "";
  const last = begin.codePointAt(begin.length - 1);
  return last > 1 ? `${begin.slice(0, -1)}${String.fromCodePoint(last - 1)}\u{10ffff}` : "";
}
