// What is known of the nodes: the last report of the network, corrected at once
// by events, which are faster than reports. Whoever disappears stays for a while,
// marked as down: an operator wants to see what is missing.

import { clip, short } from "./format.js";

const HOLD = 4000; // milliseconds for which an event outweighs reports
const LONG = 32; // characters of a name
const GHOST = 120_000; // and for which a lost node is remembered

const TOLD = { PeerSuspected: "suspect", PeerDown: "down", PeerRecovered: "ready", PeerUp: "ready" };

const nodes = new Map(); // id -> brief, with seen and gone
const told = new Map(); // id -> { state, at, reason }
const names = new Map(); // name -> how many have it
let list = [];
let self = "";

/** own is the id of the node that serves the page. */
export const own = () => self;
export const setOwn = (id) => (self = id);

/** all returns the nodes in the order of the ring. */
export const all = () => list;

/** one returns what is known of a node. */
export const one = (id) => nodes.get(id);

/** label names a node as shortly as is unmistakable. */
export function label(id) {
  const node = nodes.get(id);
  if (!node?.name) return short(id);
  const name = clip(node.name, LONG);
  return names.get(node.name) > 1 ? `${name} ${short(id).slice(0, 6)}` : name;
}

/** report takes in a report of the network. */
export function report(network) {
  const now = performance.now();
  for (const brief of network.nodes ?? []) {
    const { name, zone } = nodes.get(brief.id) ?? {}; // the dead do not tell
    nodes.set(brief.id, { name, zone, ...brief, seen: now });
  }
  for (const [id, node] of nodes) {
    if (node.seen !== now) {
      node.gone ??= now;
      node.state = "down";
      node.links = [];
    }
    if (node.gone && now - node.gone > GHOST) nodes.delete(id);
  }
  for (const [id, { at, state }] of told) {
    const node = nodes.get(id);
    if (now - at > HOLD || !node) told.delete(id);
    else if (state !== "ready" || node.state === "suspect" || node.state === "down") node.state = state;
  }
  settle();
}

/** event takes in an event; it reports whether a node's state changed. */
export function event({ kind, peer, reason }) {
  const state = TOLD[kind];
  if (!state || !peer) return false;
  told.set(peer, { state, at: performance.now() });
  const node = nodes.get(peer) ?? { id: peer, clusters: 0, topics: 0, tunnels: 0, actors: 0 };
  nodes.set(peer, { ...node, state, reason });
  settle();
  return true;
}

function settle() {
  list = [...nodes.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  names.clear();
  for (const { name } of list) names.set(name, (names.get(name) ?? 0) + 1);
}
