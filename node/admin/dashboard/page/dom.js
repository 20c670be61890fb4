// How the page makes and changes its document. Whatever comes from the network
// enters it here, as text: nothing in the page parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/** h makes an element: attributes, listeners as onclick: f, children as nodes or text. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** s makes an SVG element in the same way. */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else attr(element, name, value);
  }
  element.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

/** attr sets an attribute if that changes anything; null and false take it away. */
export function attr(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/** text sets the text of an element if that changes anything. */
export function text(element, value) {
  const t = String(value);
  const only = element.firstChild;
  if (only && !only.nextSibling && only.nodeType === Node.TEXT_NODE) {
    if (only.data !== t) only.data = t;
  } else if (element.textContent !== t) {
    element.textContent = t;
  }
}

/**
 * keyed makes the children of parent those of items, in their order. An element
 * whose item stays is kept, so that focus, selection and scrolling stay, too.
 * make(item) returns an element with an update(item) function on it.
 */
export function keyed(parent, items, key, make) {
  const before = parent.keyed ?? new Map();
  const after = new Map();
  let at = parent.firstElementChild;
  for (const item of items) {
    const k = key(item);
    const element = before.get(k) ?? make(item);
    after.set(k, element);
    before.delete(k);
    element.update(item);
    if (element === at) at = at.nextElementSibling;
    else parent.insertBefore(element, at);
  }
  for (const element of before.values()) element.remove();
  parent.keyed = after;
}

let worked = 0;
let measures = 0;
let inside = false;

/** measured runs f and notes how long it took; the browser's own tools show it. What it measures inside is part of it. */
export function measured(what, f) {
  if (inside) return f();
  inside = true;
  const start = performance.now();
  try {
    return f();
  } finally {
    inside = false;
    const end = performance.now();
    worked += end - start;
    performance.measure(`iris ${what}`, { start, end });
    if (++measures % 500 === 0) performance.clearMeasures(); // the browser would keep them all
  }
}

/** spent returns for how long scripts have worked so far, in milliseconds. */
export const spent = () => worked;
