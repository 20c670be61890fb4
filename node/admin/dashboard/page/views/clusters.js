// Clusters: how loaded they are, how quick, and which nodes serve the chosen one.

import { get } from "../api.js";
import { attr, h, measured, text } from "../dom.js";
import { count, exact, micros, name, percent, rate } from "../format.js";
import { History } from "../history.js";
import { list } from "../list.js";
import { label } from "../network.js";
import { go, place } from "../place.js";
import { counted, filled, named, plain, Table, traced } from "../table.js";

export function clustersView() {
  const history = new History();
  const seen = new WeakMap(); // cluster -> its last minute
  const of = (c) => seen.get(c) ?? { load: [], latency: [] };

  const table = new Table({
    label: "Clusters",
    id: (c) => c.name,
    selected: (c) => c.name === place.name,
    columns: [
      { title: "Cluster", class: "wide", cell: named((c) => c.name, (c) => go({ name: c.name === place.name ? "" : c.name })), by: "name" },
      { title: "Members", hint: "here, and everywhere", class: "num", cell: plain((c) => `${exact(c.local)} / ${exact(c.members)}`), by: "members" },
      { title: "Load", hint: "requests under way and messages waiting, here", class: "num", cell: traced((c) => of(c).load, (c) => count(c.in_flight + c.queued)), by: "in_flight" },
      { title: "Answered /s", class: "num", cell: plain((c) => rate(of(c).requests)), by: "requests" },
      { title: "p50", hint: "of recent requests here, waiting included", class: "num", cell: plain((c) => micros(c.p50_us)), by: "p50_us" },
      { title: "p99", class: "num", cell: traced((c) => of(c).latency, (c) => micros(c.p99_us), "warm"), by: "p99_us" },
      { title: "Asked /s", hint: "requests this node sends to the cluster", class: "num", cell: plain((c) => rate(of(c).asked)), by: "asked" },
      { title: "ask p99", class: "num", cell: plain((c) => micros(c.ask_p99_us)), by: "ask_p99_us" },
      { title: "Failed", class: "num", cell: counted((c) => c.failed, count), by: "failed" },
      { title: "Restarts", class: "num", cell: counted((c) => c.restarts, count, "warn"), by: "restarts" },
    ],
  });

  function remember(clusters) {
    for (const c of clusters) {
      seen.set(c, {
        load: history.push(`l ${c.name}`, c.in_flight + c.queued),
        latency: history.push(`p ${c.name}`, c.p99_us),
        requests: history.rate(`r ${c.name}`, c.requests),
        asked: history.rate(`a ${c.name}`, c.asked),
      });
    }
  }

  const all = list({ what: "clusters", table, names: true, empty: "This node serves and asks no cluster.", seen: remember });
  const members = membersPanel();
  const element = h("div", { class: "split" }, all.element, members.element);

  return { element, refresh: () => Promise.all([all.refresh(), members.refresh()]) };
}

/** membersPanel shows the nodes of the chosen cluster as this node sees them. */
function membersPanel() {
  const title = h("h3");
  const facts = h("p", { class: "facts" });
  const table = new Table({
    label: "Nodes of the cluster",
    id: (m) => m.node,
    columns: [
      { title: "Node", cell: named((m) => m.node, (m) => go({ node: m.node }), label), sort: (m) => label(m.node) },
      { title: "Members", class: "num", cell: plain((m) => exact(m.members)), sort: (m) => m.members },
      { title: "Load", hint: "requests in flight there to a member", class: "num", cell: filled((m) => m.load, (m) => percent(m.load)), sort: (m) => m.load },
      { title: "In flight", hint: "requests of this node to it", class: "num", cell: plain((m) => exact(m.in_flight)), sort: (m) => m.in_flight },
      { title: "Latency", class: "num", cell: plain((m) => micros(m.latency_us)), sort: (m) => m.latency_us },
      { title: "Zone", cell: named((m) => m.zone) },
      { title: "", cell: plain((m) => (m.draining ? "draining" : ""), "warn") },
    ],
  });
  const close = h("button", { type: "button", class: "icon", "aria-label": "Close", onclick: () => go({ name: "" }) }, "×");
  const element = h("aside", { class: "detail", "aria-label": "Chosen cluster", hidden: true }, h("header", {}, title, close), facts, h("div", { class: "scroll" }, table.element));

  async function refresh() {
    const chosen = place.name;
    attr(element, "hidden", chosen === "");
    if (chosen === "") return;
    const page = await get("clusters", { name: chosen });
    const cluster = page.items ? page.items[0] : page;
    if (chosen !== place.name || !cluster) return;
    measured("members", () => {
      text(title, name(chosen));
      text(facts, `${exact(cluster.members)} members on ${exact((cluster.nodes ?? []).length)} nodes, as this node sees them${cluster.root ? ` · they register at ${label(cluster.root)}` : ""}`);
      table.update(cluster.nodes ?? []);
    });
  }

  return { element, refresh };
}
