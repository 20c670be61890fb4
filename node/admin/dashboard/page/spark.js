// A sparkline: the last minute as a line over its area. The newest value is at
// the right; the number itself always stands beside it.

import { attr, s } from "./dom.js";

const WIDTH = 60;
const HEIGHT = 16;

/** spark makes one; call its update with the values, oldest first. */
export function spark(className = "") {
  const area = s("path", { class: "area" });
  const line = s("path", { class: "line", "vector-effect": "non-scaling-stroke" });
  const element = s("svg", { class: `spark ${className}`, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" }, area, line);
  element.update = (values) => {
    const d = shape(values);
    attr(line, "d", d);
    attr(area, "d", d && `${d}V${HEIGHT}H${left(values)}Z`);
  };
  return element;
}

const left = (values) => WIDTH - (values.length - 1);

function shape(values) {
  if (values.length < 2) return null;
  const most = Math.max(...values, 1e-9);
  const at = (v) => (HEIGHT - 1 - (v / most) * (HEIGHT - 3)).toFixed(1);
  return values.map((v, i) => `${i ? "L" : "M"}${left(values) + i} ${at(v)}`).join("");
}
