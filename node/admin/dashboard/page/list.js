// A long list, a page at a time: what is asked for, the table, the way through it.

import { get } from "./api.js";
import { attr, h, measured, text } from "./dom.js";
import { exact } from "./format.js";

const LIMIT = 100;

/**
 * list shows the report what in table. title stands above it; names is
 * set where they can be looked for; seen(items) is told what came before it is shown.
 */
export function list({ what, table, empty, title = null, names = false, seen = () => {} }) {
  const befores = []; // where the pages before this one begin
  let after = "";
  let next = "";
  const total = h("span", { class: "total" });
  const find = h("input", { type: "search", placeholder: "name contains…", "aria-label": `${what} whose name contains`, spellcheck: "false", oninput: restart });
  const back = h("button", { type: "button", onclick: () => turn(befores.pop() ?? "") }, "‹ before");
  const more = h("button", { type: "button", onclick: () => turn(next, befores.push(after)) }, "next ›");
  const nothing = h("p", { class: "empty" }, empty);
  const bar = h("div", { class: "bar" }, title && h("h3", {}, title), names && find, total, h("span", { class: "acts" }, back, more));
  const element = h("section", { class: "list" }, bar, h("div", { class: "scroll" }, table.element, nothing));

  function restart() {
    befores.length = 0;
    turn("");
  }

  function turn(to) {
    after = to;
    refresh();
  }

  table.onorder = restart;

  async function refresh() {
    const asked = { limit: LIMIT, after, contains: find.value, sort: table.order };
    const page = await get(what, asked);
    if (asked.after !== after || asked.contains !== find.value || asked.sort !== table.order) return;
    measured(what, () => show(page));
  }

  function show(page) {
    const items = page.items ?? [];
    next = page.next ?? "";
    seen(items);
    table.update(items);
    text(total, exact(page.total ?? items.length));
    attr(nothing, "hidden", items.length > 0);
    attr(table.element, "hidden", items.length === 0);
    attr(back, "hidden", befores.length === 0 && after === "");
    attr(more, "hidden", next === "");
  }

  return { element, refresh, restart };
}
