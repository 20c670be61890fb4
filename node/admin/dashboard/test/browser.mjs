// A browser with a page in it, and what must never happen in that page.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { chromium } from "playwright-core";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"];
const HANG = 120_000; // milliseconds: no test needs as long, however busy the machine is

/** shots is where screenshots go. */
export const shots = process.env.DASHBOARD_SHOTS || path.join(tmpdir(), "iris-dashboard");
mkdirSync(shots, { recursive: true });

/** launch starts a browser with a profile of its own. */
export async function launch() {
  const profile = mkdtempSync(path.join(tmpdir(), "iris-chromium-"));
  const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
  const context = await chromium.launchPersistentContext(profile, { executablePath, args: FLAGS, timeout: HANG, viewport: null });
  context.setDefaultTimeout(HANG);
  return {
    open: (url, options) => open(context, url, options),
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** open shows a page and notes what goes wrong in it. */
async function open(context, url, { width = 1440, height = 900, theme = "light" } = {}) {
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && wrong.push(`${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => wrong.push(e.stack ?? e.message));
  page.on("dialog", (d) => {
    wrong.push(`a script opened a dialog: ${d.message()}`);
    d.dismiss();
  });
  page.wrong = wrong;
  await page.addInitScript(() => {
    window.violations = [];
    window.seen = { reports: 0, networks: 0, reporting: 0, networking: 0 }; // how many, and milliseconds of script for them
    new PerformanceObserver((list) => {
      for (const { name, duration } of list.getEntries()) {
        window.seen[["iris network", "iris ring"].includes(name) ? "networking" : "reporting"] += duration;
        if (name === "iris head") window.seen.reports++;
        if (name === "iris network") window.seen.networks++;
      }
    }).observe({ entryTypes: ["measure"] });
    document.addEventListener("securitypolicyviolation", (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
  });
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme: theme });
  await page.goto(url);
  return page;
}

/** until asks again and again until f returns something true, and returns that. */
export async function until(what, f) {
  const end = Date.now() + HANG;
  for (;;) {
    const got = await f();
    if (got) return got;
    assert.ok(Date.now() < end, `waited ${HANG / 1000} s until ${what}`);
    await pause(20);
  }
}

/** look waits until f, run in the page with arg, returns something true. */
export const look = (page, what, f, arg) => until(what, () => page.evaluate(f, arg));

/** refreshed waits until the page has shown n more reports, and the network anew. */
export async function refreshed(page, n = 1) {
  const seen = () => page.evaluate(() => window.seen);
  const from = await seen();
  await until(`the page was refreshed ${n} times`, async () => {
    const { reports, networks } = await seen();
    return reports >= from.reports + n && networks > from.networks;
  });
}

/** cost returns how many milliseconds of script the next refresh takes: its reports and the network. */
export async function cost(page) {
  const before = await page.evaluate(() => ({ ...window.seen }));
  await refreshed(page);
  const after = await page.evaluate(() => window.seen);
  const mean = (time, count) => (after[time] - before[time]) / (after[count] - before[count]);
  return mean("reporting", "reports") + mean("networking", "networks");
}

/** shot keeps a screenshot. */
export const shot = (page, name) => page.screenshot({ path: path.join(shots, `${name}.png`) });

/** clean fails if anything went wrong in the page: a console error, a script that should not run, a breach of the policy. */
export async function clean(page, allowed = () => false) {
  const bad = page.wrong.filter((w) => !allowed(w));
  assert.deepEqual(bad, [], "console of the page");
  assert.deepEqual(await page.evaluate(() => window.violations), [], "breaches of the content security policy");
  assert.equal(await page.title(), "Iris");
}
