// The ring: every node at the place of its id, the links between them, and what
// the chosen node knows of the others. The arrow keys go round it.

import { angle, bend, halfway, point, roomFor, spread } from "./circle.js";
import { attr, h, keyed, measured, s, text } from "./dom.js";
import { clip, exact, micros, name } from "./format.js";
import { CLASSES, classOf, few, links, paint, palette } from "./links.js";
import { label, own } from "./network.js";
import { go, place } from "./place.js";
import { onTheme } from "./theme.js";

const LETTER = 7.2; // pixels, of a label
const BOLD = 1.15; // times as wide
const LINE = 15;
const FEW = 12; // nodes, that have room for more than their name

// A state is told by its shape, then by its colour.
const SHAPES = {
  ready: (r) => `M0 ${-r}A${r} ${r} 0 1 1 0 ${r}A${r} ${r} 0 1 1 0 ${-r}Z`,
  draining: (r) => `M${-r} ${-r}H${r}V${r}H${-r}Z`,
  suspect: (r) => `M0 ${-1.3 * r}L${1.25 * r} ${0.95 * r}H${-1.25 * r}Z`,
  down: (r) => `M${-r} ${-r}L${r} ${r}M${r} ${-r}L${-r} ${r}`,
  unknown: (r) => `M0 ${-1.3 * r}L${1.3 * r} 0L0 ${1.3 * r}L${-1.3 * r} 0Z`,
};
const SHAPE = { ready: "ready", alive: "ready", joining: "unknown", draining: "draining", stopping: "draining", suspect: "suspect", down: "down" };
const shapeOf = (state) => SHAPE[state] ?? "unknown";

/** ringPanel makes the ring. update draws what is known; routes and tree lay something over it. */
export function ringPanel() {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const figures = s("g", { role: "listbox", "aria-label": "Nodes in the order of their ids", onkeydown: step });
  const rtts = s("g", { class: "rtts", "aria-hidden": "true" });
  const picture = s("svg", {}, rtts, figures);
  const stage = h("div", { class: "stage" }, canvas, picture);
  const facts = h("span", { class: "facts" });
  const element = h("section", { class: "ring panel", "aria-label": "Ring" }, h("header", {}, h("h2", {}, "Ring"), facts), stage, legend());

  let nodes = [];
  let web = [];
  let shown = [];
  let routes = null;
  let tree = null;
  let view = null;
  let colours = null;
  let width = 0;
  let height = 0;
  const pulses = new Map(); // id -> failures when last seen

  new ResizeObserver(([{ contentRect }]) => {
    ({ width, height } = contentRect);
    requestAnimationFrame(draw); // not at once: what it writes may change the size again
  }).observe(stage);
  onTheme(() => {
    colours = null;
    draw();
  });

  const chosen = () => place.node || own();
  const position = (id) => nodes.findIndex((node) => node.id === id);

  function update(all) {
    nodes = all;
    web = links(nodes);
    shown = few(web, nodes.length);
    draw();
  }

  function draw() {
    if (nodes.length === 0 || width === 0) return;
    measured("ring", () => {
      view = layout(nodes, width, height, longest());
      drawLinks();
      drawNodes();
      drawTimes();
      const drawn = shown.length < web.length ? `, ${exact(shown.length)} drawn` : "";
      text(facts, `${exact(nodes.length)} ${nodes.length === 1 ? "node" : "nodes"} · ${exact(web.length)} ${web.length === 1 ? "link" : "links"}${drawn}`);
    });
  }

  // From the back to the front: all links, pale; a glow under the routes of the
  // chosen node, or the chosen tree; on the glow the same links in full.
  function drawLinks() {
    const pale = Math.max(0.1, Math.min(0.85, 8 / Math.sqrt(shown.length))) * (tree && nodes.length > FEW ? 0.4 : 1);
    const thin = shown.length > 1000 ? 0.7 : 1;
    const { leaves, table } = routed();
    const lit = new Set([...leaves, ...table].map(([i, j]) => Math.min(i, j) * nodes.length + Math.max(i, j)));
    const back = CLASSES.map(() => []);
    const front = CLASSES.map(() => []);
    const broken = [];
    for (const link of shown) {
      const { a, b, rtt } = link;
      const to = isBroken(link) ? broken : (lit.has(a * nodes.length + b) ? front : back)[classOf(rtt)];
      to.push([a, b]);
    }
    const classes = (pairs, alpha) => CLASSES.map(({ colour, width, dash }, i) => ({ pairs: pairs[i], colour, dash, width: alpha ? width * 1.3 : width * thin, alpha: alpha ?? paleness(i) }));
    const paleness = (i) => (i >= 3 && back[i].length < 100 && !tree ? Math.max(pale, 0.6) : pale);
    paint(canvas, view, (colours ??= palette(canvas)), [
      ...classes(back),
      { pairs: table, colour: "--accent", ...glow(table.length), dash: [8, 7] },
      { pairs: leaves, colour: "--accent", ...glow(leaves.length) },
      ...classes(front, 1),
      { pairs: broken, colour: "--warn", width: 1, dash: [2, 4], alpha: 0.8 },
    ]);
  }

  // A few routes may be wide and soft; many have to be thin.
  const glow = (n) => (n <= 12 ? { width: 8, alpha: 0.28 } : n <= 60 ? { width: 4, alpha: 0.45 } : { width: 1, alpha: 0.5 });

  const isBroken = ({ a, b, state }) => state !== "alive" || [a, b].some((i) => ["suspect", "down"].includes(shapeOf(nodes[i].state)));

  /** routed returns what glows: the tree that is shown, else the routes of the chosen node. */
  function routed() {
    if (tree) return { leaves: indices(tree), table: [] };
    const from = chosen();
    const to = (ids) => indices(ids.filter(Boolean).map((id) => [from, id]));
    const leaves = routes?.leaves ?? [];
    const rest = (routes?.table ?? []).flatMap((row) => row.nodes).filter((id) => !leaves.includes(id));
    return { leaves: to(leaves), table: to(rest) };
  }

  const indices = (pairs) => pairs.map(([a, b]) => [position(a), position(b)]).filter(([a, b]) => a >= 0 && b >= 0 && a !== b);

  function drawNodes() {
    attr(picture, "width", view.width);
    attr(picture, "height", view.height);
    const visible = labels();
    const focus = position(chosen()) >= 0 ? chosen() : nodes[0].id;
    keyed(figures, nodes.map((node, i) => ({ node, at: view.points[i], label: visible.get(i), focus: node.id === focus })), ({ node }) => node.id, figure);
  }

  function figure({ node: { id } }) {
    const halo = s("path", { class: "halo" });
    const shape = s("path", { class: "shape" });
    const title = s("title");
    const words = s("text");
    const more = s("text", { class: "more" });
    const element = s("g", { role: "option", "data-id": id, onclick: () => choose(id), onkeydown: (e) => (e.key === "Enter" || e.key === " ") && (e.preventDefault(), choose(id)) }, title, halo, shape, words, more);
    element.update = ({ node, at, label: l, focus }) => {
      const selected = id === chosen();
      const r = view.size + (selected ? 1.5 : 0);
      attr(element, "class", `node ${shapeOf(node.state)}${id === own() ? " own" : ""}`);
      attr(element, "data-state", node.state);
      attr(element, "transform", `translate(${at.x.toFixed(1)} ${at.y.toFixed(1)})`);
      attr(element, "aria-selected", String(selected));
      attr(element, "tabindex", focus ? 0 : -1);
      attr(shape, "d", SHAPES[shapeOf(node.state)](r));
      attr(halo, "d", SHAPES.ready(r + 4.5));
      text(title, describe(node));
      attr(element, "aria-label", describe(node));
      for (const [line, word, y] of [[words, l?.first, l?.second ? -7 : 0], [more, l?.second, 8]]) {
        attr(line, "x", l ? l.x - at.x : 0);
        attr(line, "y", l ? l.y - at.y + y : 0);
        attr(line, "text-anchor", l?.end ? "end" : "start");
        text(line, word ?? "");
      }
      pulse(element, node);
    };
    return element;
  }

  // A node whose handlers failed since the last report blinks once.
  function pulse(element, { id, failures = 0 }) {
    const before = pulses.get(id);
    pulses.set(id, failures);
    element.classList.toggle("failing", before !== undefined && failures > before);
  }

  const longest = () => Math.max(...nodes.map((node) => Math.max(clip(label(node.id), 18).length, nodes.length <= FEW ? summary(node).length : 0))) * LETTER * BOLD;

  /** labels chooses what can be labelled: the chosen one and the troubled first, then as many as there is room for. */
  function labels() {
    const roomy = nodes.length <= FEW;
    const rank = ({ id, state }) => (id === chosen() ? 0 : id === own() ? 1 : shapeOf(state) !== "ready" ? 2 : 3);
    const wanted = nodes.map((node, i) => {
      const at = point(view.middle, view.radius + view.size + 10, view.angles[i]);
      const { x } = at;
      const y = at.y - (roomy ? 12 * Math.cos(view.angles[i]) : 0); // two lines need more room above and below
      const first = clip(label(node.id), 18);
      const second = roomy ? summary(node) : "";
      return { i, x, y, end: x < view.middle.x - 1, first, second, width: Math.max(first.length, second.length) * LETTER * (node.id === chosen() ? BOLD : 1) + 4, height: second ? 2 * LINE : LINE, rank: rank(node) };
    });
    const fitting = roomFor(wanted.sort((a, b) => a.rank - b.rank || a.i - b.i), view.width, view.height);
    return new Map(fitting.map((l) => [l.i, l]));
  }

  const summary = ({ state, actors }) => (shapeOf(state) === "ready" ? `${exact(actors)} actors` : name(state));

  // Few links have room for their round-trip times.
  function drawTimes() {
    const me = position(chosen());
    const few = nodes.length > FEW ? [] : web.filter(({ a, b, rtt }) => rtt > 0 && (nodes.length <= 3 || a === me || b === me));
    keyed(rtts, few, ({ a, b }) => `${nodes[a].id} ${nodes[b].id}`, () => {
      const element = s("text", { "text-anchor": "middle" });
      element.update = ({ a, b, rtt }) => {
        const [p, q] = [view.points[a], view.points[b]];
        const { x, y } = halfway(p, bend(view.middle, view.radius, p, q), q);
        attr(element, "x", x);
        attr(element, "y", y - 5);
        text(element, micros(rtt));
      };
      return element;
    });
  }

  function choose(id) {
    go({ node: id === own() ? "" : id });
  }

  function step(e) {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
    const at = position(e.target.dataset?.id);
    if (!by || at < 0) return;
    e.preventDefault();
    const next = nodes[(at + by + nodes.length) % nodes.length].id;
    for (const figure of figures.children) {
      const here = figure.dataset.id === next;
      attr(figure, "tabindex", here ? 0 : -1);
      if (here) figure.focus();
    }
  }

  return {
    element,
    update,
    draw,
    routes: (ring) => (routes = ring),
    tree: (edges) => {
      tree = edges;
      draw();
    },
  };
}

function describe({ id, state, zone, clusters, topics, actors, failures, error }) {
  const parts = [label(id), name(id), name(state), zone && `zone ${name(zone)}`, `${clusters ?? 0} clusters, ${topics ?? 0} topics, ${actors ?? 0} actors`, failures && `${failures} failures`, error && name(error)];
  return parts.filter(Boolean).join("\n");
}

function layout(nodes, width, height, label) {
  const middle = { x: width / 2, y: height / 2 };
  const radius = Math.max(40, Math.min(height / 2 - 30, width / 2 - Math.min(label + 30, width / 3.5)));
  const size = nodes.length <= FEW ? 8 : nodes.length <= 60 ? 6 : 3.5;
  const room = nodes.length <= FEW ? 3.6 / nodes.length : 0; // few nodes stand well apart
  const angles = spread(nodes.map(({ id }) => angle(id)), Math.max(room, (2.4 * size) / radius));
  return { width, height, middle, radius, size, angles, points: angles.map((at) => point(middle, radius, at)) };
}

function legend() {
  const shape = (state, word) => h("li", {}, s("svg", { class: "key", viewBox: "-8 -8 16 16", "aria-hidden": "true" }, s("g", { class: `node ${state}` }, s("path", { class: "shape", d: SHAPES[state](5) }))), word);
  const line = ({ colour, width, dash, title }) => h("li", {}, s("svg", { class: "key line", viewBox: "0 0 22 8", "aria-hidden": "true" }, s("path", { class: `link ${colour.slice(2)}`, d: "M1 4H21", "stroke-width": width + 0.5, "stroke-dasharray": dash ? dash.join(" ") : null })), title);
  return h("footer", { class: "legend" },
    h("ul", { "aria-label": "Nodes" }, shape("ready", "ready"), shape("draining", "leaving"), shape("suspect", "suspect"), shape("down", "down"), shape("unknown", "joining, unknown")),
    h("ul", { "aria-label": "Links by round-trip time" }, CLASSES.map(line)),
    h("ul", { "aria-label": "Routes of the chosen node" }, line({ colour: "--accent", width: 5, title: "leaf set, or tree" }), line({ colour: "--accent", width: 4, dash: [5, 3], title: "routing table" })));
}

