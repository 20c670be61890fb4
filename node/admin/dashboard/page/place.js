// Where the reader is: which view, of which node, which thing in it. It is kept
// in the address, so that going back works and an address can be passed on.

const listeners = new Set();

/** place is read by everybody and changed only by go. */
export const place = { view: "node", node: "", name: "" };

function read() {
  const [view, query = ""] = location.hash.slice(1).split("?");
  const given = new URLSearchParams(query);
  place.view = view || "node";
  place.node = given.get("node") ?? "";
  place.name = given.get("name") ?? "";
}

/** go changes the place; what is not named stays, but a thing belongs to its view. */
export function go(change) {
  const next = { view: place.view, node: place.node, name: change.view ? "" : place.name, ...change };
  const query = new URLSearchParams();
  if (next.node) query.set("node", next.node);
  if (next.name) query.set("name", next.name);
  const text = query.toString();
  location.hash = next.view + (text ? `?${text}` : "");
}

/** onMove calls f after each change of the place. */
export const onMove = (f) => listeners.add(f);

addEventListener("hashchange", () => {
  read();
  for (const f of listeners) f();
});
read();
