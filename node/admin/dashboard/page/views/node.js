// What a node is, and the nodes it is linked with.

import { get } from "../api.js";
import { command } from "../dialogs.js";
import { h, keyed, measured, text } from "../dom.js";
import { bytes, count, exact, micros, name, percent, short, since } from "../format.js";
import { History } from "../history.js";
import { list } from "../list.js";
import { label } from "../network.js";
import { go, place } from "../place.js";
import { acting, filled, named, plain, stated, Table, traced } from "../table.js";

const LEVELS = ["debug", "info", "warn", "error"];

export function nodeView() {
  const about = h("dl", { class: "about" });
  const acts = h("div", { class: "acts" },
    h("button", { type: "button", onclick: drain }, "Drain…"),
    h("button", { type: "button", onclick: logLevel }, "Log level…"));
  const history = new History();
  const peers = list({ what: "peers", title: "Peers", table: peerTable(history), empty: "No peers: this node is alone.", seen: (items) => remember(history, items) });
  const element = h("div", { class: "view-node" }, h("div", { class: "top" }, about, acts), peers.element);

  async function refresh() {
    const [node] = await Promise.all([get("node"), peers.refresh()]);
    measured("node", () => describe(about, node));
  }

  function drain() {
    command({ title: "Drain this node?", says: `${label(place.node || "")} leaves its clusters and topics: it takes no new work and finishes what it has. It goes on running and stays in the network, and cannot be called back.`, word: "Drain", name: "drain" });
  }

  function logLevel() {
    const level = h("label", {}, "Level", h("select", { name: "level" }, LEVELS.map((l) => h("option", { selected: l === "info" }, l))));
    const subsystem = h("label", {}, "Subsystem", h("input", { name: "subsystem", placeholder: "all of them", spellcheck: "false" }));
    command({ title: "Change the log level", says: "It stays so until it is changed again or the node restarts.", word: "Change", name: "loglevel", fields: [level, subsystem] });
  }

  return { element, refresh };
}

function describe(element, n) {
  const labels = Object.entries(n.labels ?? {}).map(([k, v]) => `${k}=${v}`).join(", ");
  const facts = {
    Id: n.id, Host: n.name, Address: n.addr, Zone: n.zone || "–", Labels: labels || "–", Network: n.network,
    Form: n.form, Version: `${n.version}, ${n.go_version}`, Process: String(n.pid), "Up for": since(n.started, n.now),
    Heap: n.memory_limit_bytes > 0 && n.memory_limit_bytes < 2 ** 60 ? `${bytes(n.heap_bytes)} of ${bytes(n.memory_limit_bytes)}` : bytes(n.heap_bytes), Goroutines: exact(n.goroutines),
  };
  keyed(element, Object.entries(facts), ([title]) => title, ([title]) => {
    const value = h("dd");
    const pair = h("div", {}, h("dt", {}, title), value);
    pair.update = ([, v]) => text(value, name(v));
    return pair;
  });
}

const series = new WeakMap(); // peer -> its last minute

function remember(history, peers) {
  for (const p of peers) series.set(p, history.push(p.id, p.rtt_us));
}

function peerTable() {
  return new Table({
    label: "Peers",
    id: (p) => p.id,
    columns: [
      { title: "Peer", cell: named((p) => p.id, (p) => go({ node: p.id }), label), sort: (p) => label(p.id) },
      { title: "State", cell: stated((p) => p.state), sort: (p) => p.state },
      { title: "Round trip", class: "num", cell: traced((p) => series.get(p) ?? [], (p) => micros(p.rtt_us)), sort: (p) => p.rtt_us },
      { title: "Lost", hint: "packets given up as lost, of those sent", class: "num", cell: plain((p) => count(p.packets_lost)), sort: (p) => p.packets_lost },
      { title: "Loss", class: "num", cell: plain((p) => percent(p.packets_sent ? p.packets_lost / p.packets_sent : 0)) },
      { title: "Sent", class: "num", cell: plain((p) => bytes(p.sent_bytes)), sort: (p) => p.sent_bytes },
      { title: "Received", class: "num", cell: plain((p) => bytes(p.received_bytes)), sort: (p) => p.received_bytes },
      { title: "Fullest lane", hint: "the queue to this peer that is nearest its limit", class: "num", cell: filled((p) => share(lane(p)), says), sort: (p) => share(lane(p)) },
      { title: "Zone", cell: named((p) => p.zone) },
      { title: "", cell: acting(["Disconnect…", disconnect]) },
    ],
  });
}

const share = (l) => (l?.limit_bytes ? l.queued_bytes / l.limit_bytes : 0);
const lane = (p) => (p.lanes ?? []).reduce((most, l) => (!most || share(l) > share(most) ? l : most), null);

function says(p) {
  const l = lane(p);
  if (!l) return "–";
  return l.queued_bytes === 0 ? "empty" : `${name(l.name)} ${bytes(l.queued_bytes)}${l.stalled_us ? `, stalled ${micros(l.stalled_us)}` : ""}`;
}

function disconnect(p) {
  command({ title: "Disconnect this peer?", says: `The link to ${label(p.id)} (${short(p.id)}) is closed. Both may link again at once.`, word: "Disconnect", name: "disconnect", body: { peer: p.id } });
}
