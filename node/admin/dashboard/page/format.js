// How values look: short, aligned, and always with their unit.

const DASH = "–";

// What has no shape of its own, or turns the text around it: control characters,
// zero widths, marks and overrides of direction, tags.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;

/** name makes a name from the network safe to read: what cannot be seen is shown as its code. */
export function name(value) {
  return String(value ?? "").replace(UNSEEN, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}

/** clip shortens a name in its middle, where names differ least. */
export function clip(value, most) {
  const t = name(value);
  if (t.length <= most) return t;
  const head = Math.ceil((most - 1) / 2);
  return `${t.slice(0, head)}…${t.slice(t.length - (most - 1 - head))}`;
}

/** short is the beginning of an id, long enough to tell nodes apart. */
export const short = (id) => (id ? name(id).slice(0, 8) : DASH);

const SCALE = ["", "k", "M", "G", "T", "P"];

function scaled(value, base, most) {
  let v = Math.abs(value);
  let i = 0;
  while (v >= most && i < SCALE.length - 1) {
    v /= base;
    i++;
  }
  const digits = i === 0 || v >= 100 ? 0 : v >= 10 ? 1 : 2;
  return [(value < 0 ? "-" : "") + v.toFixed(digits), SCALE[i]];
}

/** count shows a whole number, from 10 000 on shortened. */
export function count(value) {
  if (value === null || value === undefined) return DASH;
  return scaled(value, 1000, 10000).join("");
}

/** exact shows a whole number with its thousands apart. */
export const exact = (value) => ((value ?? 0) < 1000 ? String(value ?? 0) : String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f"));

/** bytes shows a size. */
export function bytes(value) {
  if (value === null || value === undefined) return DASH;
  const [v, unit] = scaled(value, 1024, 1024);
  return unit ? `${v} ${unit}iB` : `${v} B`;
}

/** rate shows how many a second. */
export function rate(value) {
  if (value === null || value === undefined) return DASH;
  if (value === 0) return "0";
  return value < 10 ? value.toFixed(1) : count(Math.round(value));
}

/** micros shows a duration that is given in microseconds. */
export function micros(value) {
  if (!value) return DASH;
  if (value < 1000) return `${value} µs`;
  if (value < 10_000) return `${(value / 1000).toFixed(1)} ms`;
  if (value < 1_000_000) return `${Math.round(value / 1000)} ms`;
  return seconds(value / 1e6);
}

/** seconds shows a longer duration with its two largest units. */
export function seconds(value) {
  if (!Number.isFinite(value)) return DASH;
  const v = Math.max(0, value);
  if (v < 10) return `${v.toFixed(1)} s`;
  if (v < 60) return `${Math.floor(v)} s`;
  if (v < 3600) return `${Math.floor(v / 60)} min ${pad(v % 60)} s`;
  if (v < 86400) return `${Math.floor(v / 3600)} h ${pad((v % 3600) / 60)} min`;
  return `${Math.floor(v / 86400)} d ${pad((v % 86400) / 3600)} h`;
}

const pad = (v) => String(Math.floor(v)).padStart(2, "0");

/** percent shows a share between 0 and 1. */
export const percent = (share) => (Number.isFinite(share) ? `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %` : DASH);

/** since shows how long ago a time was, by the clock of the node that named it. */
export const since = (time, now) => seconds((Date.parse(now ?? new Date()) - Date.parse(time)) / 1000);

/** clock shows the time of day, to the millisecond. */
export function clock(time) {
  const t = new Date(time);
  if (Number.isNaN(t.getTime())) return DASH;
  return `${pad(t.getHours())}:${pad(t.getMinutes())}:${pad(t.getSeconds())}.${String(t.getMilliseconds()).padStart(3, "0")}`;
}
