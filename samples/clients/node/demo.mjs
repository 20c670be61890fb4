// Shows everything that iris.mjs can do.
//
//   node demo.mjs serve PORT CLUSTER [TOKEN]   a member, until somebody asks it to leave
//   node demo.mjs check PORT CLUSTER [TOKEN]   tries it, and asks it to leave
//
// The member may be that of another language, and attached to another node.

import assert from "node:assert/strict";
import { once, EventEmitter } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Fault, Relay, Timeout } from "./iris.mjs";

const MIB = 1 << 20;
const LONG = { timeout: 60000 }; // of which a slow machine may need some

class Member extends Relay {
  calls = new EventEmitter();
  awake = once(this.calls, "wake");
  leaving = once(this.calls, "leave");

  constructor(cluster) {
    super();
    this.cluster = cluster;
  }

  async onRequest(body) {
    const word = body.length < 10 ? body.toString() : "";
    if (word === "fail") throw new Fault("you asked for it");
    if (word === "sleep") await this.leaving;
    this.calls.emit(word);
    return body.toString("latin1").toUpperCase();
  }

  async onBroadcast(body) {
    await this.publish(`${this.cluster}.heard`, body);
  }

  // Gives messages back, or only their numbers, and those not before it is woken.
  async onTunnel(tunnel) {
    if ((await tunnel.recv()).toString() === "echo") {
      for await (const message of tunnel) await tunnel.send(message);
      return;
    }
    await this.awake;
    const numbers = [];
    for (let message; (message = await tunnel.recv()).toString() !== "end"; ) {
      numbers.push(Number(message.subarray(0, 8)));
    }
    await tunnel.send(numbers.every((number, i) => number === i) ? "in order" : "not in order");
  }
}

async function serve(port, cluster, token) {
  const member = new Member(cluster);
  // A small window, so that a sender need not send much to be held up.
  await member.connect({ port, cluster, token, window: MIB });
  console.log("serving", cluster);
  await member.leaving;
  await member.close();
}

async function check(port, cluster, token) {
  const relay = await new Relay().connect({ port, token });
  await untilSomebodyServes(relay, cluster);
  for (const step of [requests, timeouts, events, broadcasts, echoes, heldUp]) {
    console.log(`${step.name}: ${await step(relay, cluster)}`);
  }
  console.log("close:", await close(await new Relay().connect({ port, token }), cluster));
  await relay.request(cluster, "leave", LONG);
  await relay.close();
}

async function untilSomebodyServes(relay, cluster) {
  for (let tries = 0; tries < 1000; tries++) {
    try {
      await relay.request(cluster, "", LONG);
      return;
    } catch (error) {
      if (!(error instanceof Timeout)) throw error;
      await sleep(100); // nobody there; that is known at once
    }
  }
  throw new Error(`nobody serves ${cluster}`);
}

async function requests(relay, cluster) {
  const bodies = ["hello", "", "\0".repeat(MIB), ...Array.from({ length: 100 }, (_, i) => `${i}`)];
  const ask = (body) => relay.request(cluster, body, LONG);
  const replies = await Promise.all(bodies.map(ask));
  assert.deepEqual(replies.map(String), bodies.map((body) => body.toUpperCase()));
  await assert.rejects(relay.request(cluster, "fail", LONG), new Fault("you asked for it"));
  return `${replies.length} replies and a fault`;
}

async function timeouts(relay, cluster) {
  await assert.rejects(relay.request(cluster, "sleep", { timeout: 5 }), Timeout);
  await assert.rejects(relay.request(`${cluster}.nobody`, "", { timeout: 6e6 }), Timeout);
  return "after 5 ms, and with nobody there";
}

async function events(relay, cluster) {
  const topic = `${cluster}.events`;
  const sent = Array.from({ length: 5000 }, (_, i) => `${i}`);
  const heard = [];
  const done = new EventEmitter();
  relay.subscribe(topic, (body) => {
    heard.push(String(body));
    if (heard.at(-1) === sent.at(-1)) done.emit("heard");
  });
  const last = once(done, "heard");
  for (const body of sent) await relay.publish(topic, body);
  await last;
  relay.unsubscribe(topic);
  assert.deepEqual(heard, sent);
  return `${heard.length}, in order`;
}

async function broadcasts(relay, cluster) {
  let heard;
  relay.subscribe(`${cluster}.heard`, (body) => (heard = body.toString()));
  while (!heard) { // the members may be on another node, which hears of us a moment later
    await relay.broadcast(cluster, "to all");
    await sleep(20);
  }
  assert.equal(heard, "to all");
  return "heard";
}

async function echoes(relay, cluster) {
  const messages = [1, 65536, 65537, 16 * MIB, 5].map((size, i) => Buffer.alloc(size, i));
  const tunnel = await relay.tunnel(cluster, LONG);
  await tunnel.send("echo");
  const sent = Promise.all(messages.map((message) => tunnel.send(message)));
  for (const message of messages) assert(message.equals(await tunnel.recv()));
  await sent;
  await tunnel.close();
  return `${Buffer.concat(messages).length} octets there and back`;
}

// The other end reads nothing at first: the sender has to wait, and loses nothing.
async function heldUp(relay, cluster) {
  const message = (number) => String(number).padStart(8, "0").padEnd(MIB / 4);
  const tunnel = await relay.tunnel(cluster, LONG);
  await tunnel.send("numbers");
  let sent = 0;
  for (let blocked = false; !blocked; ) {
    assert(sent < 1024, "256 MiB went into a tunnel that nobody reads");
    try {
      await tunnel.send(message(sent), { signal: AbortSignal.timeout(500) });
      sent++;
    } catch (error) {
      assert.equal(error.name, "AbortError");
      blocked = true;
    }
  }
  await relay.request(cluster, "wake", LONG);
  // The first of them is the one that was given up.
  for (let i = sent; i < sent + 8; i++) await tunnel.send(message(i));
  await tunnel.send("end");
  assert.equal(String(await tunnel.recv()), "in order");
  assert.equal(await tunnel.recv(), null); // it was closed at the other end
  return `after ${sent} messages; all ${sent + 8} arrived in order`;
}

async function close(relay, cluster) {
  const pending = assert.rejects(relay.request(cluster, "sleep", { timeout: 600000 }), Timeout);
  await relay.request(cluster, "", LONG);
  const start = performance.now();
  assert.equal(await relay.close(), "");
  const took = performance.now() - start;
  assert(took < LONG.timeout, `${took} ms`);
  await pending;
  return `with a request pending, in ${took.toFixed(0)} ms`;
}

const [mode, port, cluster, token] = process.argv.slice(2);
await { serve, check }[mode](Number(port), cluster, token);
