// Dead letters: what was given up, by reason, with the latest of each.

import { h } from "../dom.js";
import { clock, exact, name, rate } from "../format.js";
import { History } from "../history.js";
import { list } from "../list.js";
import { go, place } from "../place.js";
import { filled, named, plain, Table } from "../table.js";

export function lettersView() {
  const history = new History();
  const rates = new WeakMap();
  let most = 1;
  let chosen = null;

  const reasons = new Table({
    label: "Dead letters by reason",
    id: (d) => d.reason,
    selected: (d) => d.reason === chosen?.reason,
    columns: [
      { title: "Reason", class: "wide", cell: named((d) => d.reason, (d) => go({ name: d.reason })), sort: (d) => d.reason },
      { title: "Messages", class: "num", cell: filled((d) => d.count / most, (d) => exact(d.count)), sort: (d) => d.count },
      { title: "a second", class: "num", cell: plain((d) => rate(rates.get(d))), sort: (d) => rates.get(d) ?? 0 },
    ],
  });
  const samples = new Table({
    label: "The latest dead letters",
    id: (l) => `${l.time} ${l.target} ${l.type} ${l.sender}`,
    columns: [
      { title: "Last at", class: "num", cell: plain((l) => clock(l.time)), sort: (l) => Date.parse(l.time) },
      { title: "Target", class: "wide", cell: named((l) => l.target), sort: (l) => l.target },
      { title: "Type", cell: named((l) => l.type), sort: (l) => l.type },
      { title: "Sender", cell: named((l) => l.sender) },
      { title: "Times", class: "num", cell: plain((l) => exact(l.count)), sort: (l) => l.count },
    ],
  });
  const title = h("h3", {}, "The latest");

  function seen(items) {
    most = Math.max(1, ...items.map((d) => d.count));
    for (const d of items) rates.set(d, history.rate(d.reason, d.count));
    chosen = items.find((d) => d.reason === place.name) ?? items.reduce((a, d) => (!a || d.count > a.count ? d : a), null);
    title.textContent = chosen ? `The latest: ${name(chosen.reason)}` : "The latest";
    samples.update(chosen?.samples ?? []);
  }

  const all = list({ what: "deadletters", table: reasons, empty: "No message was given up.", seen });
  return { element: h("div", {}, all.element, title, h("div", { class: "scroll" }, samples.element)), refresh: all.refresh };
}
