// The event tail: the last thousand events, newest first, as many of them in the
// document as can be seen.

import { attr, h, keyed, measured, text } from "./dom.js";
import { clock, exact, name } from "./format.js";
import { label, own } from "./network.js";

const MOST = 1000;
const ROW = 22; // pixels; the style says so, too
const SPARE = 6; // rows beyond what is seen, at each end

// What a kind means to an operator. Each has its sign, so that colour is not all there is.
const MEANING = {
  bad: ["HandlerFailed", "PeerDown", "ProtocolViolation", "TopicGap", "EventsLost"],
  warn: ["PeerSuspected", "Overloaded", "DeadLetter", "TunnelStalled", "LinkDown", "LinkRefused", "RelayClientRefused", "ClockJump", "HandlerStopped"],
  good: ["PeerUp", "PeerRecovered", "Converged", "Relieved", "NodeStarted"],
};
const SIGN = { bad: "✕", warn: "▲", good: "●", plain: "·" };
const GROUPS = {
  "all events": () => true,
  troubles: ({ tone }) => tone === "bad" || tone === "warn",
  peers: ({ event: { kind } }) => /^(Peer|Link|Member|Node|Converged)/.test(kind),
  handlers: ({ event: { kind } }) => kind.startsWith("Handler"),
  topics: ({ event: { kind } }) => /^(Topic|Tree)/.test(kind),
  tunnels: ({ event: { kind } }) => kind.startsWith("Tunnel"),
  "dead letters": ({ event: { kind } }) => kind === "DeadLetter",
  commands: ({ event: { kind } }) => /Command|Changed|Drain|Disconnect|Restart|Stop|Level/.test(kind),
};

const toneOf = (kind) => Object.keys(MEANING).find((tone) => MEANING[tone].includes(kind)) ?? "plain";

/** tailPanel makes the panel; add shows one more event. */
export function tailPanel() {
  let kept = []; // newest first
  let held = []; // arrived while paused
  let found = [];
  let paused = false;
  let counter = 0;
  let scheduled = false;
  let open = null;
  let top = 0; // what is seen of the list, in pixels
  let high = 0;

  const group = h("select", { "aria-label": "Which events", onchange: refilter }, Object.keys(GROUPS).map((g) => h("option", {}, g)));
  const search = h("input", { type: "search", placeholder: "search  /", "aria-label": "Search in events", spellcheck: "false", oninput: refilter });
  const pause = h("button", { type: "button", "aria-pressed": "false", title: "Hold the events (e)", onclick: toggle }, "Pause");
  const clear = h("button", { type: "button", onclick: forget }, "Clear");
  const facts = h("span", { class: "facts", role: "status" });
  const rows = h("ol", { class: "rows", "aria-label": "Events, newest first" });
  const height = h("div", { class: "height" }, rows);
  const view = h("div", { class: "view", tabindex: 0, role: "region", "aria-label": "Event list", onscroll: scrolled }, height);
  const detail = h("pre", { class: "detail", tabindex: 0, "aria-label": "The event in full", hidden: true });
  const nothing = h("p", { class: "empty" }, "Nothing has happened yet that this filter shows.");
  const element = h("section", { class: "tail panel", "aria-label": "Events" },
    h("header", {}, h("h2", {}, "Events"), facts, h("span", { class: "acts" }, group, search, pause, clear)),
    h("div", { class: "body" }, view, detail, nothing));
  new ResizeObserver(([{ contentRect }]) => {
    high = contentRect.height;
    schedule();
  }).observe(view);

  function scrolled() {
    top = view.scrollTop;
    schedule();
  }

  function add(event) {
    const tone = toneOf(event.kind);
    const entry = { event, tone, number: counter++, line: null, sought: null };
    (paused ? held : kept).unshift(entry);
    if (held.length > MOST) held.length = MOST;
    if (kept.length > MOST) kept.length = MOST;
    if (!paused && top > 0 && matches(entry)) view.scrollTop = top += ROW; // what is being read stays where it is
    schedule();
  }

  function matches(entry) {
    const wanted = search.value.trim().toLowerCase();
    if (!GROUPS[group.value](entry)) return false;
    if (wanted === "") return true;
    entry.line ??= summary(entry.event);
    entry.sought ??= `${entry.event.kind} ${entry.line} ${JSON.stringify(entry.event)}`.toLowerCase();
    return wanted.split(/\s+/).every((word) => entry.sought.includes(word));
  }

  function schedule() {
    if (scheduled) return;
    scheduled = true;
    const soon = document.hidden ? (f) => setTimeout(f, 250) : requestAnimationFrame;
    soon(() => {
      scheduled = false;
      measured("tail", show);
    });
  }

  function show() {
    found = kept.filter(matches);
    const from = Math.max(0, Math.floor(top / ROW) - SPARE);
    const to = Math.min(found.length, Math.ceil((top + high) / ROW) + SPARE);
    height.style.height = `${found.length * ROW}px`;
    rows.style.transform = `translateY(${from * ROW}px)`;
    keyed(rows, found.slice(from, to), ({ number }) => number, row);
    attr(nothing, "hidden", found.length > 0);
    const some = found.length < kept.length ? `${exact(found.length)} of ${exact(kept.length)}` : exact(kept.length);
    text(facts, some + (held.length ? ` · ${exact(held.length)}${held.length === MOST ? "+" : ""} held back` : ""));
  }

  function row(entry) {
    const { event, tone } = entry;
    const line = (entry.line ??= summary(event));
    const button = h("button", { type: "button", class: "event", "data-tone": tone, "data-kind": name(event.kind), onclick: () => explain(entry) },
      h("time", {}, clock(event.time)), h("span", { class: "sign", "aria-hidden": "true" }, SIGN[tone]), h("b", {}, name(event.kind)), h("span", { class: "line", title: line }, line));
    const element = h("li", {}, button);
    element.update = () => attr(button, "aria-expanded", String(open === entry));
    return element;
  }

  function explain(entry) {
    open = open === entry ? null : entry;
    attr(detail, "hidden", !open);
    if (open) text(detail, full(open.event));
    schedule();
  }

  function refilter() {
    view.scrollTop = 0;
    schedule();
  }

  function toggle() {
    paused = !paused;
    attr(pause, "aria-pressed", String(paused));
    text(pause, paused ? "Resume" : "Pause");
    if (!paused) {
      kept = [...held, ...kept].slice(0, MOST);
      held = [];
    }
    schedule();
  }

  function forget() {
    kept = [];
    held = [];
    open = null;
    attr(detail, "hidden", true);
    schedule();
  }

  return { element, add, toggle, search };
}

const LONG = ["stack", "kind", "time", "node"];
const ID = /^[0-9a-f]{32}$/;
const BEFORE = /^([0-9a-f]{32})\//; // the path of an actor names its node first
const PEOPLE = ["peer", "parent", "previous", "publisher", "sender"]; // may be ids of nodes

/** summary is an event in one line. */
function summary(event) {
  const parts = [];
  for (const [key, value] of Object.entries(event)) {
    if (LONG.includes(key) || value === "" || value === null || value === 0) continue;
    parts.push(`${name(key)} ${shown(key, value)}`);
  }
  return parts.join("  ·  ");
}

function shown(key, value) {
  if (typeof value === "object") return name(JSON.stringify(value));
  if (PEOPLE.includes(key) && ID.test(value)) return label(value);
  return name(value).replace(BEFORE, (_, id) => (id === own() ? "" : `${label(id)}/`));
}

/** full is an event with all its fields; a stack keeps its lines. */
function full(event) {
  return Object.entries(event).map(([key, value]) => {
    const t = typeof value === "string" ? value : JSON.stringify(value);
    return key === "stack" ? `stack\n${t.split("\n").map(name).join("\n")}` : `${name(key)}  ${name(t)}`;
  }).join("\n");
}
