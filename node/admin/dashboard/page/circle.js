// The geometry of the ring: where a node stands, how a link bends, which labels
// have room. Angles begin at the top and go clockwise, as ids do.

const TURN = 2 * Math.PI;

/** angle is where an id stands: its first 32 bits as a part of the whole turn. */
export const angle = (id) => (parseInt(id.slice(0, 8), 16) / 2 ** 32) * TURN || 0;

/**
 * spread moves sorted angles apart until neighbours have a gap between them,
 * where there is room for it, and keeps their order.
 */
export function spread(angles, gap) {
  const n = angles.length;
  const least = Math.min(gap, (0.9 * TURN) / n);
  const out = [...angles];
  for (let round = 0; round < 30; round++) {
    let moved = false;
    for (let i = 0; i < n; i++) {
      const j = (i + 1) % n;
      const distance = out[j] - out[i] + (j === 0 ? TURN : 0);
      if (n > 1 && distance < least - 1e-6) {
        const push = (least - distance) / 2;
        out[i] -= push;
        out[j] += push;
        moved = true;
      }
    }
    if (!moved) break;
  }
  return out;
}

/** point is a place on a circle around the middle. */
export const point = ({ x, y }, radius, at) => ({ x: x + radius * Math.sin(at), y: y - radius * Math.cos(at) });

/** bend is the control point of the curve between two points: drawn towards the middle, the more so the farther apart they are. */
export function bend(middle, radius, a, b) {
  const apart = Math.hypot(a.x - b.x, a.y - b.y) / (2 * radius);
  const pull = 0.25 + 0.45 * apart;
  return { x: (a.x + b.x) / 2 + (middle.x - (a.x + b.x) / 2) * pull, y: (a.y + b.y) / 2 + (middle.y - (a.y + b.y) / 2) * pull };
}

/** halfway is the middle of such a curve. */
export const halfway = (a, c, b) => ({ x: (a.x + 2 * c.x + b.x) / 4, y: (a.y + 2 * c.y + b.y) / 4 });

/**
 * roomFor tells which labels can be shown without touching one another or the
 * edges. They come in the order of their importance, each { x, y, end, width, height }.
 */
export function roomFor(labels, width, height) {
  const placed = [];
  return labels.filter((l) => {
    const left = l.end ? l.x - l.width : l.x;
    const box = { left, right: left + l.width, top: l.y - l.height / 2, bottom: l.y + l.height / 2 };
    if (box.left < 0 || box.right > width || box.top < 0 || box.bottom > height) return false;
    if (placed.some((p) => box.left < p.right && p.left < box.right && box.top < p.bottom && p.top < box.bottom)) return false;
    placed.push(box);
    return true;
  });
}
