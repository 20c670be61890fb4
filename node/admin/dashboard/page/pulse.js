// The second hand: what is in sight is refreshed about once a second, nothing
// while the page is hidden, and the less often the more work it makes.

import { spent } from "./dom.js";

const SECOND = 1000;
const GAP = 100; // milliseconds between two refreshes that events ask for
const SHARE = 20; // of the time, at most one part in so many goes to scripts

/**
 * every runs f again and again, and returns { now, soon }: now() runs it at once,
 * for a reader who waits; soon() as early as the work it makes allows. skip() holds
 * it; after(failure) is told how each run ended, with null when it went well.
 */
export function every(f, skip, after) {
  let timer = 0;
  let running = false;
  let next = null; // what was asked for while it ran
  let earliest = 0;

  async function now() {
    clearTimeout(timer);
    if (running) {
      next = now;
      return;
    }
    running = true;
    next = null;
    const start = performance.now();
    const before = spent();
    if (!document.hidden && !skip()) after(await f().then(() => null, (failure) => failure));
    running = false;
    const end = performance.now();
    earliest = end + Math.max(GAP, SHARE * (spent() - before));
    timer = setTimeout(now, Math.max(earliest, start + SECOND) - end);
    next?.();
  }

  function soon() {
    if (running) {
      next ??= soon;
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(now, Math.max(0, earliest - performance.now()));
  }

  return { now, soon };
}
