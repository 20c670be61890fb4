// The programs that tests start. Each is ended by the test that started it.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../../..");

// A node reads IRIS_ variables; those of whoever runs this are not part of the tests.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("IRIS_")));

/** workshop is a folder for one run: programs are built into it once, files are put there. */
export function workshop() {
  const folder = mkdtempSync(path.join(tmpdir(), "iris-browser-"));
  const running = new Set();

  function build(name, from) {
    const to = path.join(folder, name);
    execFileSync("go", ["build", "-o", to, from], { cwd: root, stdio: "inherit" });
    return to;
  }

  /** start runs a program; said(pattern) is the match in what it writes to its output. */
  function start(program, args = []) {
    const child = spawn(program, args, { cwd: folder, env, stdio: "pipe" });
    let text = "";
    const waiting = new Set();
    const take = (data) => {
      text += data;
      for (const w of waiting) w();
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    const ended = new Promise((done) => child.once("exit", done));
    running.add(child);
    ended.then(() => running.delete(child));
    const said = (pattern) => new Promise((done, fail) => {
      const look = () => {
        const match = pattern.exec(text);
        if (!match) return;
        waiting.delete(look);
        done(match);
      };
      waiting.add(look);
      look();
      ended.then(() => fail(new Error(`${path.basename(program)} ended without saying ${pattern}:\n${text}`)));
    });
    return { said, ended, kill: (signal = "SIGKILL") => child.kill(signal), tell: (line) => child.stdin.write(`${line}\n`) };
  }

  function close() {
    for (const child of running) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }

  return { folder, build, start, close };
}
