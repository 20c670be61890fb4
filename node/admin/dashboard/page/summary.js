// The strip below the head: the chosen node in a dozen numbers.

import { attr, h, text } from "./dom.js";
import { bytes, count, exact, name, rate, since } from "./format.js";
import { History } from "./history.js";
import { spark } from "./spark.js";

const history = new History();

// Title, what it shows of a node, whether that is bad, and what its line follows.
const TILES = [
  { title: "State", shows: (n) => name(n.state), bad: (n) => n.state !== "ready" && "warn" },
  { title: "Up for", shows: (n) => since(n.started, n.now) },
  { title: "Peers", shows: (n) => (n.suspects ? `${exact(n.peers)}, ${exact(n.suspects)} suspect` : exact(n.peers)), bad: (n) => n.suspects > 0 && "warn" },
  { title: "Sent /s", shows: (n) => rate(n.rates.sent), line: (n) => n.rates.sent },
  { title: "Delivered /s", shows: (n) => rate(n.rates.delivered), line: (n) => n.rates.delivered },
  { title: "Given up", shows: (n) => count(n.dropped), bad: (n) => n.rates.dropped > 0 && "bad", line: (n) => n.rates.dropped },
  { title: "Failures", shows: (n) => count(n.failures), bad: (n) => n.failures > 0 && "bad" },
  { title: "Restarts", shows: (n) => count(n.restarts), bad: (n) => n.restarts > 0 && "warn" },
  { title: "Heap", shows: (n) => bytes(n.heap_bytes), line: (n) => n.heap_bytes },
  { title: "Goroutines", shows: (n) => exact(n.goroutines) },
];

/** summaryStrip makes it; update shows a report of a node. */
export function summaryStrip() {
  const tiles = TILES.map(tile);
  const element = h("section", { class: "summary", "aria-label": "The chosen node in numbers" }, tiles);
  element.update = (node) => {
    const rates = Object.fromEntries(["sent", "delivered", "dropped"].map((f) => [f, history.rate(`${node.id} ${f}`, node[f])]));
    for (const t of tiles) t.update({ ...node, rates });
  };
  return element;
}

function tile({ title, shows, bad, line }) {
  const value = h("b");
  const trace = line ? spark() : null;
  const element = h("div", { class: "tile" }, h("span", {}, title), value, trace);
  element.update = (node) => {
    text(value, shows(node));
    attr(value, "class", (bad && bad(node)) || null);
    trace?.update(history.push(`${node.id} ${title}`, line(node)));
  };
  return element;
}
