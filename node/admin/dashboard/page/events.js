// Listening to the events of the node that serves the page. The stream is read
// with fetch, not EventSource, which hands out only kinds it has been told of.

import { send } from "./api.js";

const BACK_OFF = [250, 500, 1000, 2000, 5000];
const SILENCE = 40_000; // milliseconds after which a stream is dead: a node says something every 15 s

/**
 * listen calls on(event) for every event and state(text) with live or lost, and
 * connects again for as long as the page lives. A page that nobody sees does not
 * listen: a browser has six connections to a host, for all its pages together.
 */
export async function listen(on, state) {
  for (let attempt = 0; ; attempt++) {
    await seen();
    const line = watched();
    try {
      const answer = await send("api/v1/events", { signal: line.signal });
      state("live");
      attempt = 0;
      await read(answer.body, on, line.alive);
    } catch {
      // A broken stream and a refused one are the same to the reader: lost.
    }
    line.end();
    state("lost");
    await new Promise((done) => setTimeout(done, BACK_OFF[Math.min(attempt, BACK_OFF.length - 1)]));
  }
}

/** seen waits until the page is. */
async function seen() {
  while (document.hidden) await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
}

/** watched returns a signal that comes when the page is hidden, or alive was not called for too long. */
function watched() {
  const aborter = new AbortController();
  const abort = () => aborter.abort();
  const hide = () => document.hidden && abort();
  let timer = setTimeout(abort, SILENCE);
  document.addEventListener("visibilitychange", hide);
  return {
    signal: aborter.signal,
    alive() {
      clearTimeout(timer);
      timer = setTimeout(abort, SILENCE);
    },
    end() {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", hide);
    },
  };
}

/** read takes the stream apart: blocks between empty lines, in them fields. */
async function read(body, on, alive) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    alive();
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      const event = parse(block);
      if (event) on(event);
    }
  }
}

/** parse returns the event of a block, null for a heartbeat and for what is not JSON. */
function parse(block) {
  let kind = "";
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    if (line.startsWith("event:")) kind = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  if (data.length === 0) return null;
  try {
    const event = JSON.parse(data.join("\n"));
    return { ...event, kind: event.kind ?? kind };
  } catch {
    return null;
  }
}
