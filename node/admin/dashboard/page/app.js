// The page: head, numbers, ring, one view, events; and the second hand that
// refreshes what is in sight.

import { Failure, get, onUnauthorised } from "./api.js";
import { askToken, help } from "./dialogs.js";
import { attr, h, keyed, measured, text } from "./dom.js";
import { listen } from "./events.js";
import { exact, name } from "./format.js";
import { all, event as learn, label, own, report, setOwn } from "./network.js";
import { go, onMove, place } from "./place.js";
import { every } from "./pulse.js";
import { ringPanel } from "./ring.js";
import { summaryStrip } from "./summary.js";
import { tailPanel } from "./tail.js";
import { themeButton } from "./theme.js";
import { actorsView } from "./views/actors.js";
import { clustersView } from "./views/clusters.js";
import { lettersView } from "./views/letters.js";
import { nodeView } from "./views/node.js";
import { topicsView } from "./views/topics.js";
import { tunnelsView } from "./views/tunnels.js";

const VIEWS = {
  node: { title: "Node", make: nodeView },
  clusters: { title: "Clusters", make: clustersView, counts: (n) => n.clusters },
  topics: { title: "Topics", make: topicsView, counts: (n) => n.topics },
  tunnels: { title: "Tunnels", make: tunnelsView, counts: (n) => n.tunnels },
  actors: { title: "Actors", make: actorsView, counts: (n) => n.actors, alarms: (n) => n.failures },
  letters: { title: "Dead letters", make: lettersView, counts: (n) => n.dropped },
};
const IDS = Object.keys(VIEWS);

const ring = ringPanel();
const tail = tailPanel();
const summary = summaryStrip();
const theme = themeButton();
const network = h("span", { class: "network" });
const nodes = h("select", { id: "nodes", "aria-label": "The node that is shown", title: "The node that is shown (n)", onchange: () => go({ node: nodes.value === own() ? "" : nodes.value }) });
const status = h("span", { class: "status", role: "status" }, "connecting");
const hold = h("button", { type: "button", "aria-pressed": "false", title: "Hold what is shown (p)", onclick: toggleHold }, "Pause");
const spoken = h("p", { class: "spoken", role: "status", "aria-live": "polite" });
const problem = h("p", { class: "problem", role: "alert", hidden: true });
const stage = h("div", { class: "view", role: "tabpanel", id: "view", tabindex: -1 });
const tabs = IDS.map(tab);

let view = null;
let held = false;
let stream = "lost";
let unreachable = false;

document.getElementById("app").append(
  h("header", { class: "head" },
    h("img", { src: "favicon.svg", alt: "", width: 22, height: 22 }), h("h1", {}, "Iris"), network,
    h("label", { class: "chosen" }, "Node", nodes), h("span", { class: "gap" }), status, hold, theme,
    h("button", { type: "button", class: "icon", title: "Keys (?)", "aria-label": "Keys", onclick: () => help(KEYS) }, "?")),
  summary,
  h("main", {},
    ring.element,
    h("section", { class: "work panel", "aria-label": "Reports" },
      h("div", { class: "tabs", role: "tablist", "aria-label": "Views", onkeydown: stepTab }, tabs), problem, stage),
    tail.element),
  spoken);

function tab(id, i) {
  const number = h("span", { class: "number", hidden: true });
  const alarm = h("span", { class: "alarm", hidden: true });
  const element = h("button", { type: "button", role: "tab", id: `tab-${id}`, "aria-controls": "view", title: `${i + 1}`, onclick: () => go({ view: id }) }, VIEWS[id].title, number, alarm);
  element.update = (node) => {
    const { counts, alarms } = VIEWS[id];
    text(number, counts ? exact(counts(node)) : "");
    attr(number, "hidden", !counts?.(node));
    text(alarm, alarms ? exact(alarms(node)) : "");
    attr(alarm, "hidden", !alarms?.(node));
  };
  return element;
}

function stepTab(e) {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
  if (!by) return;
  e.preventDefault();
  const next = (IDS.indexOf(place.view) + by + IDS.length) % IDS.length;
  go({ view: IDS[next] });
  tabs[next].focus();
}

let shownView = "";
let shownNode = null;

/** move shows the view of the place, a new one if the view has changed. */
function move() {
  const id = VIEWS[place.view] ? place.view : "node";
  tabs.forEach((element, i) => {
    attr(element, "aria-selected", String(IDS[i] === id));
    attr(element, "tabindex", IDS[i] === id ? 0 : -1);
  });
  attr(stage, "aria-labelledby", `tab-${id}`);
  if (id !== shownView || (place.node !== shownNode && id !== "actors")) {
    view?.close?.();
    view = VIEWS[id].make({ ring });
    stage.replaceChildren(view.element);
  }
  if (place.node !== shownNode) ring.routes(null);
  shownView = id;
  shownNode = place.node;
  showNodes();
  ring.draw();
  refreshNow();
}

/** refresh asks for what is in sight and shows it. */
async function refresh() {
  const node = place.node;
  const asked = await Promise.allSettled([get("node"), get("ring"), view.refresh()]);
  if (node !== place.node) return;
  const [about, routes, shown] = asked;
  measured("head", () => {
    if (about.status === "fulfilled") showNode(about.value);
    ring.routes(routes.status === "fulfilled" ? routes.value : null);
    const failed = [about, shown].find((a) => a.status === "rejected");
    if (failed && !(failed.reason instanceof Failure)) throw failed.reason; // a mistake of this page
    attr(problem, "hidden", !failed);
    text(problem, failed ? `${node ? label(node) : "This node"}: ${name(failed.reason.message)}` : "");
    stage.classList.toggle("stale", Boolean(failed));
  });
}

function showNode(node) {
  if (!place.node) setOwn(node.id);
  summary.update(node);
  text(network, name(node.network));
  for (const element of tabs) element.update(node);
}

function showNodes() {
  keyed(nodes, all(), ({ id }) => id, ({ id }) => {
    const element = h("option", { value: id });
    element.update = ({ state }) => text(element, label(id) + (state === "ready" ? "" : ` (${name(state)})`) + (id === own() ? " · this" : ""));
    return element;
  });
  nodes.value = place.node || own();
}

/** survey asks for the network and draws the ring. */
async function survey() {
  const nodes = await get("network", {}, "");
  measured("network", () => {
    report(nodes);
    ring.update(all());
    showNodes();
  });
}

/** hear takes an event in: events are faster than reports. */
function hear(event) {
  if (event.kind === "Hello") {
    setOwn(event.id ?? event.node ?? own());
    return;
  }
  tail.add(event);
  if (learn(event)) redraw();
  if (event.kind === "PeerDown") spoken.textContent = `${label(event.peer)} is down`;
  if (event.kind === "HandlerFailed") spoken.textContent = `A handler failed: ${name(event.pid ?? "")}`;
  if (/^(Peer|Handler)/.test(event.kind)) for (const { soon } of hands) soon();
}

/** redraw shows what events have changed, all of a frame at once: they may come by the hundred. */
let drawing = false;
function redraw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    if (held) return;
    ring.update(all());
    showNodes();
  });
}

function toggleHold() {
  held = !held;
  attr(hold, "aria-pressed", String(held));
  text(hold, held ? "Resume" : "Pause");
  showStatus();
  if (!held) refreshNow();
}

function showStatus() {
  const state = held ? "paused" : unreachable ? "unreachable" : stream;
  text(status, { live: "live", lost: "reconnecting", paused: "paused", unreachable: "unreachable" }[state]);
  attr(status, "class", `status ${state}`);
}

const KEYS = [
  ["1 – 6", "views"], ["← →", "next view, or next node on the ring"], ["↑ ↓", "next row of a table"], ["→ ←", "open and close an actor"],
  ["n", "choose a node"], ["r", "go to the ring"], ["o", "back to the node that serves this page"], ["p", "hold what is shown"], ["e", "hold the events"],
  ["/", "search in events"], ["f", "find by name in a list"], ["t", "light, dark, as the system"], ["?", "these keys"], ["Esc", "leave a field, close"],
];
const ACTIONS = {
  n: () => nodes.focus(), r: () => ring.element.querySelector("[role=option][tabindex='0']")?.focus(), o: () => go({ node: "" }), p: toggleHold, e: tail.toggle,
  "/": () => tail.search.focus(), f: () => stage.querySelector("input[type=search]")?.focus(), t: () => theme.click(), "?": () => help(KEYS),
};

addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog[open]")) return;
  if (e.key === "Escape") document.activeElement.blur();
  if (e.target.matches("input, select, textarea")) return;
  const action = IDS[Number(e.key) - 1] ? () => go({ view: IDS[Number(e.key) - 1] }) : ACTIONS[e.key];
  if (!action) return;
  e.preventDefault();
  action();
});

const hands = [
  every(refresh, () => held, ownMistake),
  every(survey, () => held, (failure) => {
    ownMistake(failure);
    unreachable = failure !== null;
    showStatus();
  }),
];

function ownMistake(failure) {
  if (failure && !(failure instanceof Failure)) reportError(failure);
}
function refreshNow() {
  for (const { now } of hands) now();
}

onUnauthorised(askToken);
onMove(move);
document.addEventListener("visibilitychange", () => document.hidden || refreshNow());
listen(hear, (state) => {
  stream = state;
  showStatus();
});
move();
