// What interrupts: the question before a command, the form for the token, help.

import { login, order } from "./api.js";
import { attr, h, text } from "./dom.js";

/** open shows a dialog until it is closed, and returns what it was closed with. */
function open(className, ...children) {
  const dialog = h("dialog", { class: className }, children);
  document.body.append(dialog);
  dialog.showModal();
  return [dialog, new Promise((done) => dialog.addEventListener("close", () => {
    dialog.remove();
    done(dialog.returnValue);
  }))];
}

/**
 * command asks before it sends one, says what came of it, and lets it be tried
 * again. fields are elements whose name and value go into the body.
 */
export async function command({ title, says, word, name, body = {}, fields = [], node }) {
  const problem = h("p", { class: "bad", role: "alert" });
  const go = h("button", { type: "submit", class: "go" }, word);
  const cancel = h("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
  const form = h("form", { onsubmit: send }, h("h2", {}, title), h("p", {}, says), fields, problem, h("div", { class: "acts" }, cancel, go));
  const [dialog, closed] = open("ask", form);

  async function send(e) {
    e.preventDefault();
    go.disabled = true;
    text(problem, "");
    try {
      const chosen = Object.fromEntries([...new FormData(form)].filter(([, v]) => v !== ""));
      await order(name, { ...body, ...chosen }, node);
      dialog.close("done");
    } catch (failure) {
      text(problem, failure.message);
    }
    go.disabled = false;
  }
  return closed;
}

/** askToken shows the form for the token until one is right. */
export async function askToken() {
  const problem = h("p", { class: "bad", role: "alert" });
  const token = h("input", { type: "password", name: "token", required: true, autocomplete: "current-password", autofocus: true });
  const form = h("form", { onsubmit: send },
    h("h2", {}, "This node asks for its token"),
    h("p", {}, "It is in the file that the setting admin.token_file names."),
    h("label", {}, "Token", token), problem, h("div", { class: "acts" }, h("button", { type: "submit", class: "go" }, "Log in")));
  const [dialog, closed] = open("ask", form);
  attr(dialog, "id", "login");
  dialog.addEventListener("cancel", (e) => e.preventDefault());

  async function send(e) {
    e.preventDefault();
    try {
      await login(token.value);
      dialog.close();
    } catch (failure) {
      text(problem, failure.message);
      token.select();
    }
  }
  await closed;
}

/** help lists the keys. */
export function help(keys) {
  const rows = keys.map(([key, what]) => h("tr", {}, h("td", {}, h("kbd", {}, key)), h("td", {}, what)));
  open("help", h("form", { method: "dialog" },
    h("h2", {}, "Keys"), h("table", {}, h("tbody", {}, rows)),
    h("div", { class: "acts" }, h("button", { class: "go", autofocus: true }, "Close"))));
}
