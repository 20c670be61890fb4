// The links of the ring, on a canvas: there may be tens of thousands. Slow ones
// are warmer and wider, the slowest dashed; the legend says so in words.

import { bend } from "./circle.js";

/** CLASSES sorts round-trip times, in microseconds below `under`. */
export const CLASSES = [
  { under: 1_000, title: "< 1 ms", colour: "--rtt-0", width: 1 },
  { under: 10_000, title: "< 10 ms", colour: "--rtt-1", width: 1.25 },
  { under: 50_000, title: "< 50 ms", colour: "--rtt-2", width: 1.5 },
  { under: 150_000, title: "< 150 ms", colour: "--rtt-3", width: 2 },
  { under: Infinity, title: "slower", colour: "--rtt-4", width: 2.5, dash: [6, 4] },
];
const MOST = 6000; // curves in one picture
const BUNDLE = 50; // curves drawn at once; where bundles cross, it gets darker

/** palette returns the colours that links have now; a canvas knows no variables. */
export function palette(canvas) {
  const colours = {};
  for (const name of ["--accent", "--warn", ...CLASSES.map(({ colour }) => colour)]) {
    canvas.style.color = `var(${name})`;
    colours[name] = getComputedStyle(canvas).color;
  }
  return colours;
}

/** classOf returns the class of a round-trip time. */
export const classOf = (rtt) => CLASSES.findIndex(({ under }) => rtt < under);

/** links merges what both ends say about each link: { a, b, rtt, state } with a < b as indices of nodes. */
export function links(nodes) {
  const n = nodes.length;
  const index = new Map(nodes.map(({ id }, i) => [id, i]));
  const slot = new Int32Array(n * n).fill(-1);
  const found = [];
  nodes.forEach(({ links }, i) => {
    for (const { peer, rtt_us: rtt, state } of links ?? []) {
      const j = index.get(peer);
      if (j === undefined || j === i) continue;
      const at = i < j ? i * n + j : j * n + i;
      const known = found[slot[at]];
      if (!known) {
        slot[at] = found.length;
        found.push({ a: Math.min(i, j), b: Math.max(i, j), rtt, state });
      } else {
        known.rtt = Math.max(known.rtt, rtt);
        if (state !== "alive") known.state = state;
      }
    }
  });
  return found;
}

/** few keeps what matters most when there are too many: the slow, the neighbours', then every so many. */
export function few(all, n) {
  if (all.length <= MOST) return all;
  const matters = ({ a, b, rtt, state }) => rtt >= CLASSES[3].under || state !== "alive" || b - a === 1 || b - a === n - 1;
  const first = all.filter(matters);
  const rest = all.filter((l) => !matters(l));
  const every = Math.ceil(rest.length / Math.max(1, MOST - first.length));
  return [...first, ...rest.filter((_, i) => i % every === 0)].slice(0, MOST);
}

/**
 * paint draws them. view has middle, radius and points by index; colours are those
 * of palette; paths is a list of { pairs, colour, width, alpha, dash }, drawn in order.
 */
export function paint(canvas, { middle, radius, points, width, height }, colours, paths) {
  const scale = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
  const c = canvas.getContext("2d");
  c.setTransform(scale, 0, 0, scale, 0, 0);
  c.clearRect(0, 0, width, height);
  c.lineCap = "round";
  for (const { pairs, colour, width: w, alpha, dash } of paths) {
    c.strokeStyle = colours[colour];
    c.lineWidth = w;
    c.globalAlpha = alpha;
    c.setLineDash(dash ?? []);
    for (let from = 0; from < pairs.length; from += BUNDLE) {
      c.beginPath();
      for (const [i, j] of pairs.slice(from, from + BUNDLE)) {
        const [p, q] = [points[i], points[j]];
        const b = bend(middle, radius, p, q);
        c.moveTo(p.x, p.y);
        c.quadraticCurveTo(b.x, b.y, q.x, q.y);
      }
      c.stroke();
    }
  }
}
