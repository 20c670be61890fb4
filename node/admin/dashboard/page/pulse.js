// The second hand: what is in sight is refreshed about once a second, nothing
// while the page is hidden, and the less often the more work it makes.

import { spent } from "./dom.js";

const SECOND = 1000;
const SHARE = 20; // of the time, at most one part in so many goes to scripts

/**
 * every returns a function that runs f now, and then again and again. skip() holds
 * it; after(failure) is told how each run ended, with null when it went well.
 */
export function every(f, skip, after) {
  let timer = 0;
  let running = false;
  let wanted = false;

  return async function run() {
    clearTimeout(timer);
    wanted = running;
    if (running) return;
    running = true;
    const start = performance.now();
    const before = spent();
    if (!document.hidden && !skip()) after(await f().then(() => null, (failure) => failure));
    running = false;
    const pause = Math.max(SECOND - (performance.now() - start), SHARE * (spent() - before));
    timer = setTimeout(run, wanted ? 0 : pause);
  };
}
