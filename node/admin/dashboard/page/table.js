// A table whose rows stay themselves while their contents change.

import { attr, h, keyed, text } from "./dom.js";
import { name } from "./format.js";
import { spark } from "./spark.js";

/**
 * Table shows rows. A column is
 *
 *	{ title, hint, class, cell, sort, by }
 *
 * where cell() makes the contents of one cell, an element or several with one
 * update(row); sort(row), if there is one, is the value its header sorts by. Of a
 * list that comes in pages the node sorts all, and by is its name for the column,
 * with - in front where that counts the other way.
 */
export class Table {
  #columns;
  #id;
  #rows = [];
  #sort = null; // { column, down }
  #body = h("tbody");
  #heads;
  #selected = null;

  /** onorder is called when the rows are to be asked for in another order. */
  onorder = () => {};

  constructor({ label, columns, id, selected }) {
    this.#columns = columns;
    this.#id = id;
    this.#selected = selected ?? (() => false);
    this.#heads = columns.map((column) => this.#head(column));
    this.element = h("table", { "aria-label": label, onkeydown: (e) => this.#step(e) }, h("thead", {}, h("tr", {}, this.#heads)), this.#body);
  }

  /** order is what a node is to sort by, as it takes it; empty for its own order. */
  get order() {
    const by = this.#sort?.column.by ?? "";
    const turned = by.startsWith("-"); // the least of it is the most of the column
    return by && (this.#falling() !== turned ? "-" : "") + by.slice(turned ? 1 : 0);
  }

  /** update shows these rows. */
  update(rows) {
    this.#rows = rows;
    keyed(this.#body, this.#sorted(rows), this.#id, (row) => this.#row(row));
  }

  #row() {
    const cells = this.#columns.map((column) => column.cell());
    const element = h("tr", {}, cells.map((cell, i) => h("td", { class: this.#columns[i].class ?? null }, cell)));
    element.update = (row) => {
      attr(element, "class", this.#selected(row) && "selected");
      for (const cell of cells) cell.update(row);
    };
    return element;
  }

  #head(column) {
    const hint = column.hint ?? null;
    const content = column.sort || column.by ? h("button", { type: "button", title: hint, onclick: () => this.#by(column) }, column.title) : h("span", { title: hint }, column.title);
    return h("th", { scope: "col", class: column.class ?? null }, content);
  }

  #by(column) {
    const same = this.#sort?.column === column;
    if (same && this.#sort.turned) this.#sort = null;
    else this.#sort = { column, turned: same };
    this.#heads.forEach((head, i) => attr(head, "aria-sort", this.#columns[i] === this.#sort?.column && (this.#falling() ? "descending" : "ascending")));
    if (column.by) this.onorder();
    else this.update(this.#rows);
  }

  // Numbers begin with the largest, names with the first.
  #falling() {
    const { column, turned } = this.#sort;
    const number = column.by ? column.class === "num" : this.#rows.length === 0 || typeof column.sort(this.#rows[0]) === "number";
    return number !== turned;
  }

  #sorted(rows) {
    if (!this.#sort?.column.sort) return rows;
    const { column } = this.#sort;
    const sign = this.#falling() ? -1 : 1;
    const value = column.sort;
    return [...rows].sort((a, b) => sign * (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0));
  }

  // The arrow keys go from the button of a row to that of the next.
  #step(e) {
    const way = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[e.key];
    const row = e.target.closest("tbody tr");
    if (!way || !row || e.target.matches("select, input")) return;
    const cell = e.target.closest("td").cellIndex;
    for (let next = row[way]; next; next = next[way]) {
      const button = next.cells[cell]?.querySelector("button");
      if (button) {
        button.focus();
        e.preventDefault();
        return;
      }
    }
  }
}

// The kinds of cells there are. A cell remembers what it shows: comparing two
// values costs a tenth of asking the document, and there are thousands of cells.

/** changed returns a function that calls show(value) if it is another than before. */
function changed(show) {
  let last;
  return (value) => {
    if (value === last) return;
    last = value;
    show(value);
  };
}

/** plain shows what f(row) returns. */
export const plain = (f, className = null) => () => {
  const element = h("span", { class: className });
  const show = changed((value) => text(element, value));
  element.update = (row) => show(f(row));
  return element;
};

/** named shows a name from the network, in full in its hint; open(row) makes it a button. */
export const named = (f, open, shown = name) => () => {
  let row;
  const element = open ? h("button", { type: "button", class: "name", onclick: () => open(row) }) : h("span", { class: "name" });
  const word = changed((t) => text(element, t));
  const hint = changed((value) => attr(element, "title", value ? name(value) : null));
  element.update = (next) => {
    row = next;
    const value = f(row);
    word(value ? shown(value) : "–"); // a label may become another
    hint(value);
  };
  return element;
};

/** counted shows a number and marks it when it is not zero and should be. */
export const counted = (f, show, mark = "bad") => () => {
  const element = h("span");
  const count = changed((value) => {
    text(element, show(value));
    attr(element, "class", value > 0 ? mark : "none");
  });
  element.update = (row) => count(f(row));
  return element;
};

/** filled shows how full something is, of(row) between 0 and 1, before what says(row). */
export const filled = (of, says) => () => {
  const bar = h("meter", { min: 0, max: 1, low: 0.5, high: 0.8, optimum: 0, "aria-hidden": "true" });
  const label = h("span");
  const element = h("span", { class: "filled" }, bar, label);
  const level = changed((share) => (bar.value = share));
  const word = changed((t) => text(label, t));
  element.update = (row) => {
    level(Math.round(100 * Math.min(1, Math.max(0, of(row) || 0))) / 100);
    word(says(row));
  };
  return element;
};

/** traced shows a value with its last minute. values(row) returns the latter. */
export const traced = (values, says, className) => () => {
  const line = spark(className);
  const label = h("span");
  const element = h("span", { class: "traced" }, line, label);
  element.update = (row) => {
    line.update(values(row));
    text(label, says(row));
  };
  return element;
};

/** stated shows a state by a mark of its own shape and its word. */
export const stated = (f) => () => {
  const element = h("span");
  const show = changed((state) => {
    text(element, name(state));
    attr(element, "class", `state ${/^[a-z]+$/.test(state) ? state : ""}`);
  });
  element.update = (row) => show(f(row) ?? "");
  return element;
};

/** acting shows buttons: pairs of a word and what it does to the row. */
export const acting = (...acts) => () => {
  let row;
  const element = h("span", { class: "acts" }, acts.map(([word, act]) => h("button", { type: "button", onclick: () => act(row) }, word)));
  element.update = (next) => (row = next);
  return element;
};
