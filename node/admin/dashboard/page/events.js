// Listening to the events of the node that serves the page. The stream is read
// with fetch, not EventSource, which hands out only kinds it has been told of.

import { send } from "./api.js";

const BACK_OFF = [250, 500, 1000, 2000, 5000];

/**
 * listen calls on(event) for every event and state(text) with live or lost, and
 * connects again for as long as the page lives.
 */
export async function listen(on, state) {
  for (let attempt = 0; ; attempt++) {
    try {
      const answer = await send("api/v1/events", { signal: new AbortController().signal });
      state("live");
      attempt = 0;
      await read(answer.body, on);
    } catch {
      // A broken stream and a refused one are the same to the reader: lost.
    }
    state("lost");
    await new Promise((done) => setTimeout(done, BACK_OFF[Math.min(attempt, BACK_OFF.length - 1)]));
  }
}

/** read takes the stream apart: blocks between empty lines, in them fields. */
async function read(body, on) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
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
