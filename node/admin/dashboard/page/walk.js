// The tree of a topic, put together by asking every node in it for its part.

import { get } from "./api.js";

const MOST = 256; // nodes
const AT_ONCE = 8;

/**
 * walk asks from the root down and returns { rows, edges, more }: rows in the
 * order of a tree that is written down, each { node, level, topic } or with an
 * error instead of the topic; edges from parent to child; whether it was cut off.
 */
export async function walk(name, start) {
  const first = await part(name, start);
  const root = first.topic?.root || start;
  const known = new Map([[start, first]]);
  let wave = [root];
  let more = false;
  while (wave.length > 0) {
    const strange = wave.filter((id) => !known.has(id));
    const asking = strange.slice(0, MOST - known.size);
    await each(asking, async (id) => known.set(id, await part(name, id)));
    const next = new Set(wave.flatMap((id) => known.get(id)?.topic?.children ?? []).filter((id) => !known.has(id)));
    more = asking.length < strange.length || (next.size > 0 && known.size >= MOST);
    wave = more ? [] : [...next];
  }
  return { ...lay(known, root), more };
}

async function part(name, id) {
  try {
    const page = await get("topics", { name }, id);
    return { topic: page.items ? page.items[0] : page };
  } catch (failure) {
    return { error: failure.message };
  }
}

/** each runs f for every item, a few at once. */
async function each(items, f) {
  const rest = [...items];
  const worker = async () => {
    for (let item = rest.pop(); item !== undefined; item = rest.pop()) await f(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** lay writes the tree down from the root; a node that moved meanwhile is shown once, where it was met first. */
function lay(known, root) {
  const rows = [];
  const edges = [];
  const met = new Set();
  const visit = (node, level) => {
    met.add(node);
    rows.push({ node, level, ...known.get(node) });
    for (const child of known.get(node)?.topic?.children ?? []) {
      if (met.has(child) || !known.has(child)) continue;
      edges.push([node, child]);
      visit(child, level + 1);
    }
  };
  if (known.has(root)) visit(root, 0);
  for (const [node] of known) if (!met.has(node)) visit(node, 0);
  return { rows, edges };
}
