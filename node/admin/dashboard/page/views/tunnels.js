// Tunnels, and the programs attached to the relay: who talks in streams.

import { h } from "../dom.js";
import { bytes, count, exact, micros, seconds } from "../format.js";
import { History } from "../history.js";
import { list } from "../list.js";
import { label } from "../network.js";
import { go } from "../place.js";
import { named, plain, stated, Table, traced } from "../table.js";

export function tunnelsView() {
  const history = new History();
  const seen = new WeakMap(); // tunnel -> its last minute
  const perSecond = (v) => `${bytes(Math.round(v ?? 0))}/s`;

  const table = new Table({
    label: "Tunnels",
    id: (t) => `${t.id} ${t.opened}`,
    columns: [
      { title: "Tunnel", cell: named((t) => t.id), sort: (t) => t.id },
      { title: "Cluster", cell: named((t) => t.cluster), sort: (t) => t.cluster ?? "" },
      { title: "Peer", cell: named((t) => t.peer, (t) => go({ node: t.peer }), label), sort: (t) => label(t.peer) },
      { title: "End", cell: plain((t) => (t.opened ? "opened here" : "accepted")), sort: (t) => (t.opened ? "a" : "b") },
      { title: "State", cell: stated((t) => (t.stalled_us > 0 ? "stalled" : "flowing")), sort: (t) => t.stalled_us },
      { title: "Stalled for", class: "num", cell: plain((t) => micros(t.stalled_us)), sort: (t) => t.stalled_us },
      { title: "Out", class: "num", cell: traced((t) => seen.get(t)?.out ?? [], (t) => perSecond(t.send_rate)), sort: (t) => t.send_rate },
      { title: "In", class: "num", cell: traced((t) => seen.get(t)?.in ?? [], (t) => perSecond(t.recv_rate)), sort: (t) => t.recv_rate },
      { title: "Credit", hint: "what this end may still send", class: "num", cell: plain((t) => bytes(t.credit_bytes)), sort: (t) => t.credit_bytes },
      { title: "Unread", hint: "received, not taken by the program", class: "num", cell: plain((t) => bytes(t.unread_bytes)), sort: (t) => t.unread_bytes },
      { title: "Sent", class: "num", cell: plain((t) => bytes(t.sent_bytes)), sort: (t) => t.sent_bytes },
      { title: "Received", class: "num", cell: plain((t) => bytes(t.received_bytes)), sort: (t) => t.received_bytes },
      { title: "Age", class: "num", cell: plain((t) => seconds((Date.now() - Date.parse(t.since)) / 1000)), sort: (t) => -Date.parse(t.since) },
    ],
  });
  const tunnels = list({
    what: "tunnels", table, empty: "No tunnel is open here.",
    seen: (items) => {
      for (const t of items) seen.set(t, { out: history.push(`o ${t.id} ${t.opened}`, t.send_rate), in: history.push(`i ${t.id} ${t.opened}`, t.recv_rate) });
    },
  });

  const relay = list({ what: "relay", title: "Programs at the relay", table: clientTable(), empty: "No program is attached to the relay of this node." });
  const element = h("div", {}, tunnels.element, relay.element);
  return { element, refresh: () => Promise.all([tunnels.refresh(), relay.refresh()]) };
}

function clientTable() {
  return new Table({
    label: "Programs attached to the relay",
    id: (c) => c.client,
    columns: [
      { title: "Client", class: "num", cell: plain((c) => exact(c.client)), sort: (c) => c.client },
      { title: "Address", cell: named((c) => c.addr) },
      { title: "Serves", cell: named((c) => c.cluster), sort: (c) => c.cluster ?? "" },
      { title: "Topics", class: "num", cell: plain((c) => count(c.topics)), sort: (c) => c.topics },
      { title: "Tunnels", class: "num", cell: plain((c) => count(c.tunnels)), sort: (c) => c.tunnels },
      { title: "Asked", hint: "requests of it under way", class: "num", cell: plain((c) => count(c.asked)), sort: (c) => c.asked },
      { title: "Queued", class: "num", cell: plain((c) => bytes(c.queued_bytes)), sort: (c) => c.queued_bytes },
      { title: "Age", class: "num", cell: plain((c) => seconds((Date.now() - Date.parse(c.since)) / 1000)) },
    ],
  });
}
