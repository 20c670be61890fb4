// Topics: what passes through this node, and the tree of the chosen one.

import { attr, h, measured, text } from "../dom.js";
import { count, exact, name, rate } from "../format.js";
import { History } from "../history.js";
import { list } from "../list.js";
import { label, own } from "../network.js";
import { go, place } from "../place.js";
import { counted, named, plain, Table, traced } from "../table.js";
import { walk } from "../walk.js";

const AGAIN = 3000; // milliseconds between walks: each asks many nodes

export function topicsView({ ring }) {
  const history = new History();
  const seen = new WeakMap(); // topic -> its rates

  const table = new Table({
    label: "Topics",
    id: (t) => t.name,
    selected: (t) => t.name === place.name,
    columns: [
      { title: "Topic", class: "wide", cell: named((t) => t.name, (t) => go({ name: t.name === place.name ? "" : t.name })), by: "name" },
      { title: "Way", hint: "list: publishers send to every subscriber; tree: events are passed on", cell: plain((t) => t.mode + (t.reliable ? ", reliable" : "")), by: "mode" },
      { title: "Subscribers", hint: "here", class: "num", cell: plain((t) => count(t.subscribers)), by: "subscribers" },
      { title: "Depth", hint: "hops to the root", class: "num", cell: plain((t) => t.depth), by: "depth" },
      { title: "Children", class: "num", cell: plain((t) => (t.children ? exact(t.children.length) : "–")), by: "children" },
      { title: "Published /s", class: "num", cell: plain((t) => rate(seen.get(t)?.published)), by: "published" },
      { title: "Delivered /s", class: "num", cell: traced((t) => seen.get(t)?.line ?? [], (t) => rate(seen.get(t)?.delivered)), by: "delivered" },
      { title: "Forwarded /s", class: "num", cell: plain((t) => rate(seen.get(t)?.forwarded)), by: "forwarded" },
      { title: "Gaps", class: "num", cell: counted((t) => t.gaps, count), by: "gaps" },
      { title: "Missed", hint: "events in those gaps", class: "num", cell: counted((t) => t.missed, count), by: "missed" },
    ],
  });

  function remember(topics) {
    for (const t of topics) {
      const delivered = history.rate(`d ${t.name}`, t.delivered);
      seen.set(t, {
        published: history.rate(`p ${t.name}`, t.published), forwarded: history.rate(`f ${t.name}`, t.forwarded),
        delivered, line: history.push(`l ${t.name}`, delivered),
      });
    }
  }

  const all = list({ what: "topics", table, names: true, empty: "No topic has a subscriber here or passes through.", seen: remember });
  const tree = treePanel(ring);
  return {
    element: h("div", { class: "split" }, all.element, tree.element),
    refresh: () => Promise.all([all.refresh(), tree.refresh()]),
    close: () => ring.tree(null),
  };
}

/** treePanel shows the tree of the chosen topic, here and on the ring. */
function treePanel(ring) {
  const history = new History();
  const title = h("h3");
  const facts = h("p", { class: "facts" });
  const table = new Table({
    label: "Tree of the topic",
    id: (r) => r.node,
    selected: (r) => r.node === (place.node || own()),
    columns: [
      { title: "Node", class: "wide", cell: branch },
      { title: "Subscribers", class: "num", cell: plain((r) => (r.topic ? count(r.topic.subscribers) : "–")) },
      { title: "Delivered /s", class: "num", cell: plain((r) => rate(r.delivered)) },
      { title: "Forwarded /s", class: "num", cell: plain((r) => rate(r.forwarded)) },
      { title: "Gaps", class: "num", cell: counted((r) => r.topic?.gaps ?? 0, count) },
      { title: "", cell: plain((r) => name(r.error ?? ""), "warn") },
    ],
  });
  const close = h("button", { type: "button", class: "icon", "aria-label": "Close", onclick: () => go({ name: "" }) }, "×");
  const element = h("aside", { class: "detail", "aria-label": "Chosen topic", hidden: true }, h("header", {}, title, close), facts, h("div", { class: "scroll" }, table.element));

  let shown = "";
  let next = 0;
  let walking = false;

  // A walk may take longer than a refresh; the view does not wait for it.
  function refresh() {
    const chosen = place.name;
    attr(element, "hidden", chosen === "");
    if (chosen !== shown) {
      shown = chosen;
      next = 0;
      ring.tree(null);
      text(title, name(chosen));
      text(facts, "asking…");
      table.update([]);
    }
    if (chosen === "" || walking || performance.now() < next) return;
    walking = true;
    walk(chosen, place.node || own())
      .then((tree) => chosen === shown && measured("tree", () => show(tree)), (failure) => text(facts, failure.message))
      .finally(() => {
        walking = false;
        next = performance.now() + AGAIN;
      });
  }

  function show({ rows, edges, more }) {
    const depth = Math.max(...rows.map((r) => r.level));
    const way = rows.find((r) => r.topic)?.topic.mode ?? "";
    for (const r of rows) {
      r.delivered = r.topic && history.rate(`d ${r.node}`, r.topic.delivered);
      r.forwarded = r.topic && history.rate(`f ${r.node}`, r.topic.forwarded);
    }
    text(facts, way === "list" ? "No tree: publishers send to every subscriber themselves." : `Root ${label(rows[0].node)} · ${exact(rows.length)}${more ? "+" : ""} nodes · depth ${depth}`);
    table.update(rows);
    ring.tree(edges);
  }

  return { element, refresh };
}

/** branch shows a node behind as many steps as it is deep. */
function branch() {
  let row;
  const steps = h("span", { class: "steps", "aria-hidden": "true" });
  const button = h("button", { type: "button", class: "name", onclick: () => go({ node: row.node }) });
  const element = h("span", { class: "branch" }, steps, button);
  element.update = (next) => {
    row = next;
    text(steps, row.level ? `${"  ".repeat(row.level - 1)}└ ` : "");
    text(button, label(row.node));
    attr(button, "title", `${name(row.node)}, ${row.level} from the root`);
  };
  return element;
}
