// The tree of actors, opened level by level: a level is asked for when it is
// opened, a hundred of it at a time. What is closed is one line with the sum of
// what is below it. Or, without the tree, the worst of all.

import { get } from "../api.js";
import { command } from "../dialogs.js";
import { attr, h, measured, text } from "../dom.js";
import { count, exact, micros, name, percent } from "../format.js";
import { History } from "../history.js";
import { place } from "../place.js";
import { acting, counted, filled, plain, stated, Table } from "../table.js";

const LIMIT = 100; // actors of a level asked for at once
const MOST = 1000; // rows
const ROOT = "iris"; // the actor above all others
const LEVELS = 6; // refreshed at once; the others have their turn later
const DEEPEST = 32; // level that is opened
const SORTS = { "the tree": "", "most failures": "-failures", busiest: "-busy_us", "fullest mailboxes": "-queued", "longest waiting": "-oldest_us" };

export function actorsView() {
  let levels = new Map([["", level()]]); // parent -> what is known of its children
  let node = place.node;
  const history = new History();

  const sort = h("select", { "aria-label": "Which actors", onchange: anew }, Object.keys(SORTS).map((word) => h("option", {}, word)));
  const facts = h("span", { class: "total" });
  const table = new Table({
    label: "Actors",
    id: (r) => r.key,
    columns: [
      { title: "Actor", class: "wide", cell: () => branch(toggle, more), by: "path" },
      { title: "State", cell: whole(stated((r) => r.actor.state)) },
      { title: "Actors", hint: "in its subtree, itself included", class: "num", cell: whole(plain((r) => exact(r.actor.actors))), by: "actors" },
      { title: "Queued", hint: "messages in its mailbox", class: "num", cell: whole(filled((r) => (r.actor.limit ? r.actor.queued / r.actor.limit : 0), (r) => exact(r.actor.queued))), by: "queued" },
      { title: "Waiting", hint: "for how long the mailbox has not been empty", class: "num", cell: whole(plain((r) => micros(r.actor.oldest_us))), by: "oldest_us" },
      { title: "Handled", class: "num", cell: whole(plain((r) => count(r.actor.handled))), by: "handled" },
      { title: "Busy", hint: "of the last second", class: "num", cell: whole(plain((r) => percent(r.busy))), by: "busy_us" },
      { title: "Failures", class: "num", cell: whole(counted((r) => r.actor.failures, count)), by: "failures" },
      { title: "Restarts", class: "num", cell: whole(counted((r) => r.actor.restarts, count, "warn")), by: "restarts" },
      { title: "Last error", class: "error", cell: whole(reason) },
      { title: "", cell: whole(acting(["Restart…", (r) => act("restart", r.actor)], ["Stop…", (r) => act("stop", r.actor)])) },
    ],
  });
  table.onorder = anew;
  const element = h("section", { class: "list" },
    h("div", { class: "bar" }, sort, facts), h("div", { class: "scroll" }, table.element));

  function anew() {
    levels = new Map([["", level()]]);
    refresh();
  }

  async function refresh() {
    if (node !== place.node) {
      node = place.node;
      levels = new Map([["", level()]]);
      history.clear();
    }
    const turn = [...levels].sort(([, a], [, b]) => a.asked - b.asked).slice(0, LEVELS);
    await Promise.all(turn.map(([parent, l]) => ask(parent, l)));
    measured("actors", show);
  }

  const flat = () => SORTS[sort.value] !== "";

  async function ask(parent, l) {
    const first = l.items === null;
    l.asked = performance.now();
    try {
      const items = [];
      let page = {};
      let got = [];
      do {
        page = await get("actors", { parent, limit: Math.min(1000, l.wanted), after: page.next, deep: flat() ? "true" : "", sort: table.order || SORTS[sort.value] });
        got = below(parent || ROOT, page.items ?? []);
        items.push(...got);
      } while (page.next && got.length > 0 && items.length < l.wanted);
      Object.assign(l, { items: items.slice(0, MOST), total: page.total ?? items.length, error: "" });
      if (first && !flat() && items.length === 1 && items[0].children) await open(items[0].path, l.depth + 1); // nothing to choose from
    } catch (failure) {
      if (parent === "") throw failure;
      if (failure.status === 404) levels.delete(parent);
      else l.error = failure.message;
    }
  }

  async function open(path, depth) {
    if (depth >= DEEPEST) return;
    const l = level(depth);
    levels.set(path, l);
    await ask(path, l);
  }

  function show() {
    const rows = [];
    lay("", 0, rows, new Set());
    for (const r of rows) if (r.actor) r.busy = Math.min(1, (history.rate(r.key, r.actor.busy_us) ?? NaN) / 1e6);
    table.update(rows.slice(0, MOST));
    const { items, total } = levels.get("");
    const all = flat() ? total : (items ?? []).reduce((sum, a) => sum + a.actors, 0);
    text(facts, `${flat() ? "of " : ""}${exact(all)} actors${rows.length > MOST ? ` · the first ${exact(MOST)} rows are shown` : ""}`);
  }

  /** lay makes the rows of a level and of those open in it, none twice, one more than are shown at most. */
  function lay(parent, depth, rows, seen) {
    const { items, total, error } = levels.get(parent);
    for (const actor of items ?? []) {
      if (seen.has(actor.path)) continue;
      if (rows.length > MOST) return;
      seen.add(actor.path);
      const open = levels.has(actor.path);
      rows.push({ key: actor.path, depth, actor, open, word: relative(actor.path, parent || ROOT), opens: !flat() && actor.children > 0 && depth + 1 < DEEPEST });
      if (open) lay(actor.path, depth + 1, rows, seen);
    }
    if (error) rows.push({ key: `${parent} !`, depth, note: error });
    else if (!items) rows.push({ key: `${parent} …`, depth, note: "asking…" });
    else if (items.length < total) rows.push({ key: `${parent} +`, depth, parent, note: `${exact(Math.min(LIMIT, total - items.length))} more of ${exact(total - items.length)}` });
  }

  function toggle({ actor, depth }) {
    if (levels.has(actor.path)) {
      for (const path of [...levels.keys()]) if (path === actor.path || path.startsWith(`${actor.path}/`)) levels.delete(path);
    } else {
      open(actor.path, depth + 1).then(show);
    }
    show();
  }

  function more({ parent }) {
    const l = levels.get(parent);
    if (!l) return;
    l.wanted = Math.min(MOST, l.wanted + LIMIT);
    refresh();
  }

  return { element, refresh };
}

/** below leaves out what cannot be below parent, whatever a node says: levels never lead back. */
const below = (parent, items) => items.filter((a) => a.path.startsWith(`${parent}/`));

const level = (depth = 0) => ({ depth, items: null, total: 0, wanted: LIMIT, asked: 0, error: "" });

/** whole leaves a cell empty in the rows that are no actor. */
const whole = (cell) => () => {
  const inner = cell();
  const element = h("span", { class: "whole" }, inner);
  element.update = (r) => {
    attr(element, "hidden", !r.actor);
    if (r.actor) inner.update(r);
  };
  return element;
};

function reason() {
  const element = h("span", { class: "name" });
  element.update = ({ actor }) => {
    text(element, actor.last_error ? name(actor.last_error) : "");
    attr(element, "title", actor.last_error ? name(actor.last_error) : null);
  };
  return element;
}

/** branch shows the last part of a path behind as many steps as it is deep; it opens what is below. */
function branch(toggle, more) {
  let row;
  const sign = h("span", { class: "sign", "aria-hidden": "true" });
  const word = h("span");
  const type = h("span", { class: "type" });
  const button = h("button", { type: "button", class: "name", onclick: press, onkeydown: key }, sign, word, type);
  button.update = (next) => {
    row = next;
    const { actor, depth, note, parent, opens } = row;
    button.style.paddingInlineStart = `${depth * 16}px`;
    text(sign, !opens ? "" : row.open ? "▾" : "▸");
    text(word, actor ? name(row.word) : note);
    text(type, actor?.type ? name(actor.type) : "");
    attr(button, "title", actor ? name(actor.path) : null);
    attr(button, "aria-expanded", opens ? String(row.open) : null);
    attr(button, "aria-label", actor ? `${name(actor.path)}, level ${depth + 1}` : null);
    attr(button, "disabled", !actor && parent === undefined);
    attr(button, "class", `name branch${actor ? "" : " note"}`);
  };
  function press() {
    if (!row.actor) more(row);
    else if (row.opens) toggle(row);
  }
  function key(e) {
    const wanted = { ArrowRight: true, ArrowLeft: false }[e.key];
    if (wanted === undefined || !row.opens || row.open === wanted) return;
    e.preventDefault();
    toggle(row);
  }
  return button;
}

/** relative is what a path adds to that of the actor above; not all hang below the one they are named after. */
const relative = (path, above) => (path.startsWith(`${above}/`) ? path.slice(above.length + 1) : path);

function act(what, { path }) {
  const says = what === "restart" ? "it starts anew with an empty state; its mailbox is kept." : "it ends, with all actors below it.";
  command({ title: `${what === "restart" ? "Restart" : "Stop"} this actor?`, says: `${name(path)}: ${says}`, word: what === "restart" ? "Restart" : "Stop", name: what, body: { pid: path } });
}
