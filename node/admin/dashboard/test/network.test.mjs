// The page with a real network of three nodes, of which one is killed and one
// has a handler that crashes.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { clean, launch, look, refreshed, shot, until } from "./browser.mjs";
import { workshop } from "./programs.mjs";

const SOON = 2000; // milliseconds from an event to its sight

const work = workshop();
let browser;
let iris;
let crash;

before(async () => {
  iris = work.build("iris", "./cmd/iris");
  crash = work.build("crash", "./node/admin/dashboard/test/crash");
  execFileSync(iris, ["keygen", "-o", "network.key"], { cwd: work.folder });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  work.close();
});

/** settings writes the file of a node: all in one network of this run, found by their seed only. */
function settings(name, seed) {
  const file = path.join(work.folder, `${name}.yaml`);
  writeFileSync(file, [
    `network: {name: browser-${process.pid}, key: network.key}`,
    "listen: 127.0.0.1:0",
    seed ? `seeds: ['${seed}']` : "",
    "discovery: {host: false, lan: false}",
    "relay: {listen: 'off'}",
    `admin: {listen: ${seed ? "'off'" : "'127.0.0.1:0'"}}`,
  ].join("\n") + "\n");
  return file;
}

/** events listens to the endpoint as the page does, and remembers what came and when the node saw it. */
async function events(url) {
  const heard = [];
  const aborter = new AbortController();
  const answer = await fetch(`${url}/api/v1/events`, { signal: aborter.signal });
  (async () => {
    let text = "";
    for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
      text += part;
      const blocks = text.split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        const data = /^data: ?(.*)$/m.exec(block)?.[1];
        if (data) heard.push(JSON.parse(data));
      }
    }
  })().catch(() => {}); // the stream is cut at the end of the test
  return { heard, stop: () => aborter.abort() };
}

/** watched notes in the page when a node's state and a kind of event are first seen. */
const watched = (page) => page.evaluate(() => {
  window.first = {};
  const note = (what) => (window.first[what] ??= Date.now());
  const watch = () => {
    for (const { dataset } of document.querySelectorAll("[role=option]")) note(`${dataset.id} ${dataset.state}`);
    note(`failures ${document.querySelectorAll(".event[data-kind=HandlerFailed]").length}`);
  };
  new MutationObserver(watch).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"] });
});

const first = (page, what) => look(page, `the page shows ${what}`, (w) => window.first[w], what);

test("three nodes; one is killed, a handler crashes, and each is seen within 2 s", async () => {
  const a = work.start(crash, [settings("a")]);
  const [, id, addr] = await a.said(/node (\w+) listening on (\S+)/);
  const [, url] = await a.said(/admin at (http\S+?)\/?\n/);
  const others = ["b", "c"].map((name) => work.start(iris, ["node", "-c", settings(name, addr)]));
  const ids = await Promise.all(others.map(async (p) => (await p.said(/node (\w+) listening on/))[1]));

  const page = await browser.open(url);
  const stream = await events(url);
  await look(page, "three nodes are on the ring, all ready", () => document.querySelectorAll("[role=option][data-state=ready]").length === 3);
  await look(page, "they are linked", () => /3 links/.test(document.querySelector(".ring .facts").textContent));
  await refreshed(page, 3);
  await watched(page);
  await shot(page, "network-three");

  const late = []; // from the node's own event to the page
  for (let i = 1; i <= 4; i++) {
    a.tell("crash");
    const seen = await first(page, `failures ${i}`);
    const failed = await until("the event came", () => stream.heard.filter((e) => e.kind === "HandlerFailed")[i - 1]);
    late.push(seen - Date.parse(failed.time));
  }
  console.log(`crashing handler: shown ${late.join(", ")} ms after the node's event`);
  assert.ok(Math.min(...late) < SOON, `a crash is shown after ${late} ms`);

  for (const view of ["clusters", "topics", "tunnels", "actors", "letters"]) {
    await page.goto(`${url}/#${view}`);
    await refreshed(page, 2);
    assert.equal(await page.evaluate(() => document.querySelector(".problem:not([hidden])")?.textContent ?? ""), "", view);
    await shot(page, `network-${view}`);
  }
  await page.goto(`${url}/#actors`);
  await look(page, "the failures are counted", () => [...document.querySelectorAll("#tab-actors .alarm")].some((e) => e.textContent === "4"));
  for (const other of ids) {
    await page.goto(`${url}/#node?node=${other}`);
    await look(page, "another node describes itself", (o) => document.querySelector(".about")?.textContent.includes(o), other);
  }
  await page.goto(`${url}/#node`);
  await clean(page);

  const slow = [];
  for (const [i, p] of others.entries()) {
    const killed = Date.now();
    p.kill("SIGKILL");
    const seen = Math.min(...(await Promise.all(["suspect", "down"].map((s) => Promise.race([first(page, `${ids[i]} ${s}`), first(page, `${ids[i]} down`)])))));
    const gone = await first(page, `${ids[i]} down`);
    const told = await until("the event came", () => stream.heard.find((e) => e.kind === "PeerDown" && e.peer === ids[i]));
    slow.push(gone - Date.parse(told.time));
    console.log(`killed: seen as suspect or down ${seen - killed} ms, as down ${gone - killed} ms after kill -9, ${slow[i]} ms after the node's event`);
    await shot(page, `network-killed-${i + 1}`);
  }
  assert.ok(Math.min(...slow) < SOON, `a dead node is shown after ${slow} ms`);
  assert.equal(await page.locator(`[role=option][data-id="${id}"][data-state=ready]`).count(), 1);
  await clean(page, (w) => /50[0-9]|404/.test(w)); // the dead were asked, too
  stream.stop();
  await page.close();
});
