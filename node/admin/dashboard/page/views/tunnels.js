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
      { title: "Tunnel", cell: named((t) => t.id), by: "id" },
      { title: "Cluster", cell: named((t) => t.cluster), by: "cluster" },
      { title: "Peer", cell: named((t) => t.peer, (t) => go({ node: t.peer }), label), by: "peer" },
      { title: "End", cell: plain((t) => (t.opened ? "opened here" : "accepted")), by: "-opened" },
      { title: "State", cell: stated((t) => (t.stalled_us > 0 ? "stalled" : "flowing")), by: "stalled_us" },
      { title: "Stalled for", class: "num", cell: plain((t) => micros(t.stalled_us)), by: "stalled_us" },
      { title: "Out", class: "num", cell: traced((t) => seen.get(t)?.out ?? [], (t) => perSecond(t.send_rate)), by: "send_rate" },
      { title: "In", class: "num", cell: traced((t) => seen.get(t)?.in ?? [], (t) => perSecond(t.recv_rate)), by: "recv_rate" },
      { title: "Credit", hint: "what this end may still send", class: "num", cell: plain((t) => bytes(t.credit_bytes)), by: "credit_bytes" },
      { title: "Unread", hint: "received, not taken by the program", class: "num", cell: plain((t) => bytes(t.unread_bytes)), by: "unread_bytes" },
      { title: "Sent", class: "num", cell: plain((t) => bytes(t.sent_bytes)), by: "sent_bytes" },
      { title: "Received", class: "num", cell: plain((t) => bytes(t.received_bytes)), by: "received_bytes" },
      { title: "Age", class: "num", cell: plain((t) => seconds((Date.now() - Date.parse(t.since)) / 1000)), by: "-since" },
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
      { title: "Client", class: "num", cell: plain((c) => exact(c.client)), by: "client" },
      { title: "Address", cell: named((c) => c.addr), by: "addr" },
      { title: "Serves", cell: named((c) => c.cluster), by: "cluster" },
      { title: "Topics", class: "num", cell: plain((c) => count(c.topics)), by: "topics" },
      { title: "Tunnels", class: "num", cell: plain((c) => count(c.tunnels)), by: "tunnels" },
      { title: "Asked", hint: "requests of it under way", class: "num", cell: plain((c) => count(c.asked)), by: "asked" },
      { title: "Queued", class: "num", cell: plain((c) => bytes(c.queued_bytes)), by: "queued_bytes" },
      { title: "Age", class: "num", cell: plain((c) => seconds((Date.now() - Date.parse(c.since)) / 1000)), by: "-since" },
    ],
  });
}
