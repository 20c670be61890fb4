// What was a moment ago: rates from counters, and the last minute for a sparkline.

const SAMPLES = 60;
const KEYS = 2000; // the longest unused are forgotten beyond that

/** History remembers the last values under each key. */
export class History {
  #of = new Map();

  #entry(key) {
    const entry = this.#of.get(key) ?? { values: [], last: null, at: 0 };
    this.#of.delete(key); // to the end: it is in use
    this.#of.set(key, entry);
    if (this.#of.size > KEYS) this.#of.delete(this.#of.keys().next().value);
    return entry;
  }

  /** push remembers a value and returns the remembered ones, oldest first. */
  push(key, value) {
    const { values } = this.#entry(key);
    values.push(value ?? 0);
    if (values.length > SAMPLES) values.shift();
    return values;
  }

  /** rate returns by how much a counter grows a second, null at first and after it began anew. */
  rate(key, counter) {
    const entry = this.#entry(key);
    const now = performance.now();
    const { last, at } = entry;
    entry.last = counter;
    entry.at = now;
    if (last === null || counter < last || now === at) return null;
    return ((counter - last) * 1000) / (now - at);
  }

  clear() {
    this.#of.clear();
  }
}
