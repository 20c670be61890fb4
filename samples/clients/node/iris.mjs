// A client of the relay of Iris for Node.js 18 and later, without packages.
//
//   const relay = await connect();
//   console.log(String(await relay.request("greet", "world", { timeout: 1000 })));
//   await relay.close();
//
// docs/clients.md tells the protocol. Times are milliseconds, bodies Buffers or strings.

import { EventEmitter, once } from "node:events";
import { createConnection } from "node:net";

const OPS = ["INIT", "DENY", "CLOSE", "BROADCAST", "REQUEST", "REPLY", "SUBSCRIBE", "UNSUBSCRIBE", "PUBLISH",
  "TUN_INIT", "TUN_CONFIRM", "TUN_ALLOW", "TUN_TRANSFER", "TUN_CLOSE"];
const FIELDS = { // of what the relay sends: n varint, b binary, s string, ? bool
  INIT: "ss", DENY: "ss", CLOSE: "s", BROADCAST: "b", REQUEST: "nbn", REPLY: "n?", PUBLISH: "sb",
  TUN_INIT: "nn", TUN_CONFIRM: "n?", TUN_ALLOW: "nn", TUN_TRANSFER: "nnb", TUN_CLOSE: "ns",
};

export class Fault extends Error {} // what a handler had to say instead of a reply
export class Timeout extends Error {} // no answer in time, or nobody to give one
export class Closed extends Error {} // the connection or the tunnel has ended

function varint(number) {
  const octets = [];
  for (; number > 0x7f; number = Math.floor(number / 128)) octets.push((number % 128) | 0x80);
  return Buffer.from([...octets, number]);
}

function binary(body) {
  const octets = Buffer.from(body); // a copy: the caller may change what it has sent
  return Buffer.concat([varint(octets.length), octets]);
}

function name(text) {
  const octets = Buffer.from(text);
  if (octets.length < 1 || octets.length > 255) throw new RangeError("a name has 1 to 255 octets");
  return binary(octets);
}

const bool = (value) => Buffer.from([value ? 1 : 0]);
const milliseconds = (timeout) => varint(Math.max(1, Math.round(timeout)));

function refuse() {
  throw new Fault("no requests are served here");
}

/**
 * Attaches to the relay. Members of a cluster have handlers, which may be async:
 *   request(body)   returns the reply; what it throws is the asker's Fault
 *   broadcast(body) gets broadcasts, one after the other
 *   tunnel(tunnel)  gets a Tunnel, which is closed when it returns
 * window is how many octets of a tunnel may wait for recv, backlog how many events
 * and broadcasts for their handlers; later ones are missed, and counted. token is
 * what a relay asks for that other hosts can reach.
 */
export async function connect({ port = 55555, host = "127.0.0.1", cluster = "", token = "", ...options } = {}) {
  const socket = createConnection({ port, host, noDelay: true });
  await once(socket, "connect");
  const relay = new Connection(socket, options);
  if (token) socket.write(`iris-token ${token}\n`);
  relay._tell("INIT", binary("iris-client-magic"), binary("v1.0-draft2"), binary(cluster));
  const [op, magic, text] = await relay._packet();
  if (op !== "INIT" || magic !== "iris-relay-magic") {
    socket.destroy();
    throw new Closed(`connection denied: ${text}`);
  }
  relay.ending = relay._run();
  return relay;
}

/** An attached program. */
export class Connection {
  ended; // why there is no connection any more
  ending; // a promise of that, "" in order
  missed = 0;
  #socket;
  #input;
  #handlers;
  #window;
  #backlog;
  #numbers = 0; // of requests and tunnels
  #answers = new Map(); // number -> {resolve, reject}
  #tunnels = new Map(); // number -> Tunnel
  #topics = new Map(); // topic -> handler
  #events = Promise.resolve(); // ends when all handlers of events have
  #waiting = 0;

  constructor(socket, { request, broadcast, tunnel, window = 64 << 20, backlog = 1024 }) {
    this.#socket = socket.on("error", () => {}); // the reader learns of it
    this.#input = new Input(socket);
    this.#handlers = { request: request ?? refuse, broadcast, tunnel };
    this.#window = window;
    this.#backlog = backlog;
  }

  /** The reply of one member. Throws Fault, or Timeout, which comes at once if there
   * is no member. It is the relay that keeps the time. */
  async request(cluster, body, { timeout = 5000 } = {}) {
    const number = this.#numbers++;
    return this.#ask(number, "REQUEST", varint(number), name(cluster), binary(body), milliseconds(timeout));
  }

  /** Tells all members, and so this program if it is one. */
  async broadcast(cluster, body) {
    await this._send("BROADCAST", name(cluster), binary(body));
  }

  /** Tells all subscribers. */
  async publish(topic, body) {
    await this._send("PUBLISH", name(topic), binary(body));
  }

  /** Calls handler(body) for each event from now on, one after the other. */
  async subscribe(topic, handler) {
    if (this.#topics.has(topic)) throw new Error(`subscribed to ${topic} already`); // the relay would hang up
    this.#topics.set(topic, handler);
    await this._send("SUBSCRIBE", name(topic));
  }

  async unsubscribe(topic) {
    if (!this.#topics.delete(topic)) throw new Error(`not subscribed to ${topic}`);
    await this._send("UNSUBSCRIBE", name(topic));
  }

  /** A Tunnel to one member. Throws Timeout as request does. */
  async tunnel(cluster, { timeout = 5000 } = {}) {
    const number = this.#numbers++;
    this.#tunnels.set(number, new Tunnel(this, number));
    return this.#ask(number, "TUN_INIT", varint(number), name(cluster), milliseconds(timeout));
  }

  /** Leaves, and returns when the relay confirms it. Requests that are pending end
   * with Timeout; replies to others have 100 ms. */
  async close() {
    if (this.ended === undefined) this._tell("CLOSE");
    return this.ending;
  }

  #ask(number, op, ...fields) {
    return new Promise((resolve, reject) => {
      this.#answers.set(number, { resolve, reject });
      this._send(op, ...fields).catch(reject);
    });
  }

  _tell(op, ...fields) {
    if (this.ended !== undefined) throw new Closed(this.ended || "closed");
    return this.#socket.write(Buffer.concat([Buffer.from([OPS.indexOf(op)]), ...fields]));
  }

  /** Tells, and waits while the relay reads slower than we write. */
  async _send(...packet) {
    if (!this._tell(...packet)) await new Promise((resolve) => this.#socket.write("", resolve));
  }

  async _run() {
    try {
      this.ended = await this.#read();
    } catch (error) {
      this.ended = error.message || "the connection failed";
    }
    for (const { reject } of this.#answers.values()) reject(new Closed(this.ended || "closed"));
    for (const tunnel of this.#tunnels.values()) tunnel.end(this.ended || "closed with its connection");
    this.#socket.end(() => this.#socket.destroy());
    return this.ended;
  }

  /** Takes packets until the relay says Close. Waits for octets and nothing else. */
  async #read() {
    for (;;) {
      const [op, ...fields] = await this._packet();
      const [number, second, third] = fields;
      switch (op) {
        case "CLOSE":
          return fields[0];
        case "BROADCAST":
          this.#notify(this.#handlers.broadcast, fields[0]);
          break;
        case "PUBLISH": // no handler: it crossed our Unsubscribe
          this.#notify(this.#topics.get(fields[0]), fields[1]);
          break;
        case "REQUEST":
          this.#serve(number, second);
          break;
        case "REPLY":
        case "TUN_CONFIRM":
          await this.#answered(op, number, second);
          break;
        case "TUN_INIT":
          this.#accept(number, second);
          break;
        case "TUN_ALLOW":
          this.#tunnels.get(number).allow(second);
          break;
        case "TUN_TRANSFER":
          this.#tunnels.get(number).transfer(second, third);
          break;
        case "TUN_CLOSE":
          this.#tunnels.get(number).end(second);
          this.#tunnels.delete(number);
          break;
        default:
          throw new Error("the relay sent an unknown packet");
      }
    }
  }

  async _packet() {
    const op = OPS[await this.#input.octet()];
    const fields = [op];
    for (const kind of FIELDS[op] ?? "") fields.push(await this.#field(kind));
    return fields;
  }

  async #field(kind) {
    if (kind === "?") return (await this.#input.octet()) !== 0;
    let number = 0;
    for (let factor = 1, octet = 0x80; octet > 0x7f; factor *= 128) {
      octet = await this.#input.octet();
      number += (octet & 0x7f) * factor;
    }
    if (kind === "n") return number;
    const octets = await this.#input.take(number);
    return kind === "b" ? octets : octets.toString();
  }

  /** The rest of an answer depends on how it begins. */
  async #answered(op, number, timedOut) {
    let result, error;
    if (timedOut) {
      error = new Timeout("no answer in time");
      this.#tunnels.delete(number);
    } else if (op === "TUN_CONFIRM") {
      result = this.#tunnels.get(number);
      result.limit = await this.#field("n");
      this._tell("TUN_ALLOW", varint(number), varint(this.#window));
    } else if (await this.#field("?")) {
      result = await this.#field("b");
    } else {
      error = new Fault(await this.#field("s"));
    }
    const { resolve, reject } = this.#answers.get(number);
    this.#answers.delete(number);
    if (error) reject(error);
    else resolve(result);
  }

  #notify(handler, body) {
    if (!handler) return;
    if (this.#waiting >= this.#backlog) {
      this.missed++;
      return;
    }
    this.#waiting++;
    this.#events = this.#events
      .then(() => handler(body))
      .catch((error) => console.error("iris: a handler failed:", error))
      .finally(() => this.#waiting--);
  }

  async #serve(number, body) {
    let reply;
    try {
      reply = [bool(true), binary(await this.#handlers.request(body))];
    } catch (error) {
      reply = [bool(false), binary(error.message || "the handler failed")];
    }
    if (this.ended === undefined) this._tell("REPLY", varint(number), ...reply);
  }

  async #accept(build, limit) {
    const number = this.#numbers++;
    const tunnel = new Tunnel(this, number, limit);
    this.#tunnels.set(number, tunnel);
    this._tell("TUN_CONFIRM", varint(build), varint(number));
    this._tell("TUN_ALLOW", varint(number), varint(this.#window));
    try {
      await this.#handlers.tunnel?.(tunnel);
    } catch (error) {
      if (!(error instanceof Closed)) console.error("iris: a handler failed:", error);
    }
    await tunnel.close();
  }
}

/** Carries messages of one octet and more to the other end and back, in order. */
export class Tunnel {
  #relay;
  #number;
  #news = new EventEmitter(); // "change" of what follows
  #credit = 0; // octets that the relay takes
  #inbox = [];
  #parts = []; // of the message that is coming
  #size = 0; // that it will have
  #have = 0; // that came already
  #refund = 0; // octets of messages that were given up halfway
  #ended; // why; "" in order
  #turn = Promise.resolve(); // ends when the last message was sent

  constructor(relay, number, limit = 0) {
    this.#relay = relay;
    this.#number = number;
    this.limit = limit; // octets of a chunk
  }

  /** Waits while the other end does not take more. If the signal aborts that, the
   * message was not sent and the tunnel goes on. */
  async send(message, { signal } = {}) {
    const octets = Buffer.from(message);
    if (octets.length === 0) throw new RangeError("a message has at least one octet");
    const sent = this.#turn.then(() => this.#send(octets, signal));
    this.#turn = sent.catch(() => {});
    return sent;
  }

  async #send(octets, signal) {
    for (let at = 0; at < octets.length; at += this.limit) {
      const chunk = octets.subarray(at, at + this.limit);
      await this.#until(() => this.#credit >= chunk.length, signal);
      if (this.#ended !== undefined) throw new Closed(this.#ended || "the tunnel was closed");
      this.#credit -= chunk.length;
      const size = at === 0 ? octets.length : 0;
      await this.#relay._send("TUN_TRANSFER", varint(this.#number), varint(size), binary(chunk));
    }
  }

  /** The next message, or null when the other end has closed the tunnel. */
  async recv({ signal } = {}) {
    await this.#until(() => this.#inbox.length > 0, signal);
    const message = this.#inbox.shift();
    if (!message && this.#ended) throw new Closed(this.#ended);
    if (!message) return null;
    if (this.#ended === undefined) { // what was taken makes room for more
      this.#relay._tell("TUN_ALLOW", varint(this.#number), varint(message.length + this.#refund));
      this.#refund = 0;
    }
    return message;
  }

  async *[Symbol.asyncIterator]() {
    for (let message; (message = await this.recv()); ) yield message;
  }

  /** Ends the tunnel. What was sent still arrives at the other end. */
  async close() {
    if (this.#ended === undefined) this.#relay._tell("TUN_CLOSE", varint(this.#number));
    await this.#until(() => false);
  }

  async #until(ready, signal) {
    while (!ready() && this.#ended === undefined) await once(this.#news, "change", { signal });
  }

  // What follows is for the Connection.

  allow(space) {
    this.#credit += space;
    this.#news.emit("change");
  }

  transfer(size, chunk) {
    if (size > 0) { // a new message; its sender may have given up the one before
      this.#refund += this.#have;
      [this.#parts, this.#have, this.#size] = [[], 0, size];
    }
    this.#parts.push(chunk);
    this.#have += chunk.length;
    if (this.#have === this.#size) {
      this.#inbox.push(Buffer.concat(this.#parts));
      [this.#parts, this.#have] = [[], 0];
      this.#news.emit("change");
    }
  }

  end(reason) {
    this.#ended = reason;
    this.#news.emit("change");
  }
}

/** Reads octets from a socket. */
class Input {
  #pieces;
  #piece = Buffer.alloc(0);

  constructor(socket) {
    this.#pieces = socket[Symbol.asyncIterator]();
  }

  async octet() {
    return (await this.take(1))[0];
  }

  async take(n) {
    const taken = [];
    for (let missing = n; missing > 0; missing -= taken.at(-1).length) {
      if (this.#piece.length === 0) await this.#more();
      taken.push(this.#piece.subarray(0, missing));
      this.#piece = this.#piece.subarray(missing);
    }
    return taken.length === 1 ? taken[0] : Buffer.concat(taken);
  }

  async #more() {
    const { value, done } = await this.#pieces.next();
    if (done) throw new Closed("the relay hung up");
    this.#piece = value;
  }
}
