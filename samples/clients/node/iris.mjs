// A client of the relay of Iris for Node.js 18 and later, without packages.
//
//   const relay = await connect();
//   console.log(String(await relay.request("greet", "world", { timeout: 1000 })));
//   await relay.close();
//
// docs/clients.md tells the protocol. Times are milliseconds, bodies Buffers or strings.

import { EventEmitter, once } from "node:events";
import { createConnection } from "node:net";

const OPS = [
  "INIT", "DENY", "CLOSE", "BROADCAST", "REQUEST", "REPLY", "SUBSCRIBE", "UNSUBSCRIBE", "PUBLISH",
  "TUN_INIT", "TUN_CONFIRM", "TUN_ALLOW", "TUN_TRANSFER", "TUN_CLOSE",
];
// Fields of packets: n varint, b binary, s string, ? bool. What follows "?" in answers of
// the relay depends on it, see #answered.
const TO_RELAY = {
  INIT: "bbb", CLOSE: "", BROADCAST: "sb", REQUEST: "nsbn", REPLY: "n?b", SUBSCRIBE: "s",
  UNSUBSCRIBE: "s", PUBLISH: "sb", TUN_INIT: "nsn", TUN_CONFIRM: "nn", TUN_ALLOW: "nn",
  TUN_TRANSFER: "nnb", TUN_CLOSE: "n",
};
const FROM_RELAY = {
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

function encode(op, fields) {
  const parts = [Buffer.from([OPS.indexOf(op)])];
  for (const [i, kind] of [...TO_RELAY[op]].entries()) {
    if (kind === "n" || kind === "?") { // a bool is a varint of 0 or 1
      parts.push(varint(Number(fields[i])));
      continue;
    }
    const octets = Buffer.from(fields[i]);
    if (kind === "s" && !(octets.length > 0 && octets.length < 256)) {
      throw new RangeError("a name has 1 to 255 octets");
    }
    parts.push(varint(octets.length), octets);
  }
  return Buffer.concat(parts);
}

function refuse() {
  throw new Fault("no requests are served here");
}

/**
 * Attaches to the relay. Members of a cluster have handlers, which may be async:
 *   request(body)   returns the reply; what it throws is the asker's Fault. It runs for
 *                   all requests that the relay passes on, up to 16384 at a time
 *   broadcast(body) gets broadcasts, one after the other
 *   tunnel(tunnel)  gets a Tunnel, which is closed when it returns
 * window is how many octets of a tunnel may wait for recv, backlog how many events
 * and broadcasts for their handlers; later ones are missed, and counted. token is
 * what a relay asks for that other hosts can reach.
 */
export async function connect(options = {}) {
  const { port = 55555, host = "127.0.0.1", cluster = "", token = "", ...others } = options;
  const socket = createConnection({ port, host, noDelay: true });
  await once(socket, "connect");
  const relay = new Connection(socket, others);
  if (token) socket.write(`iris-token ${token}\n`);
  relay._tell("INIT", "iris-client-magic", "v1.0-draft2", cluster);
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
    return this.#ask(timeout, "REQUEST", cluster, body);
  }

  /** Tells all members, and so this program if it is one. */
  async broadcast(cluster, body) {
    await this._send("BROADCAST", cluster, body);
  }

  /** Tells all subscribers. */
  async publish(topic, body) {
    await this._send("PUBLISH", topic, body);
  }

  /** Calls handler(body) for each event from now on, one after the other. */
  async subscribe(topic, handler) {
    // The relay would hang up.
    if (this.#topics.has(topic)) throw new Error(`subscribed to ${topic} already`);
    this._tell("SUBSCRIBE", topic);
    this.#topics.set(topic, handler);
  }

  async unsubscribe(topic) {
    if (!this.#topics.delete(topic)) throw new Error(`not subscribed to ${topic}`);
    this._tell("UNSUBSCRIBE", topic);
  }

  /** A Tunnel to one member. Throws Timeout as request does. */
  async tunnel(cluster, { timeout = 5000 } = {}) {
    return this.#ask(timeout, "TUN_INIT", cluster);
  }

  /** Leaves, and returns when the relay confirms it. Requests that are pending end
   * with Timeout; replies to others have 100 ms. */
  async close() {
    if (this.ended === undefined) this._tell("CLOSE");
    return this.ending;
  }

  #ask(timeout, op, ...fields) {
    const number = this.#numbers++;
    this._tell(op, number, ...fields, Math.max(1, Math.round(timeout)));
    return new Promise((resolve, reject) => this.#answers.set(number, { resolve, reject }));
  }

  _tell(op, ...fields) {
    if (this.ended !== undefined) throw new Closed(this.ended || "closed");
    return this.#socket.write(encode(op, fields));
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
    for (const tunnel of this.#tunnels.values()) tunnel.end(this.ended || "closed");
    this.#socket.end(() => this.#socket.destroy());
    return this.ended;
  }

  /** Takes packets until the relay says Close. Waits for octets and nothing else: what
   * handlers return is not awaited here. */
  async #read() {
    const take = {
      BROADCAST: (body) => this.#notify(this.#handlers.broadcast, body),
      // Without a handler: it crossed our Unsubscribe.
      PUBLISH: (topic, body) => this.#notify(this.#topics.get(topic), body),
      REQUEST: (number, body) => void this.#serve(number, body),
      REPLY: (number, timedOut) => this.#answered("REPLY", number, timedOut),
      TUN_CONFIRM: (number, timedOut) => this.#answered("TUN_CONFIRM", number, timedOut),
      TUN_INIT: (build, limit) => void this.#accept(build, limit),
      TUN_ALLOW: (number, space) => this.#tunnels.get(number).allow(space),
      TUN_TRANSFER: (number, size, chunk) => this.#tunnels.get(number).transfer(size, chunk),
      TUN_CLOSE: (number, reason) => {
        this.#tunnels.get(number).end(reason);
        this.#tunnels.delete(number);
      },
    };
    for (;;) {
      const [op, ...fields] = await this._packet();
      if (op === "CLOSE") return fields[0];
      await take[op](...fields);
    }
  }

  async _packet() {
    const op = OPS[await this.#input.octet()];
    const fields = [op];
    for (const kind of FROM_RELAY[op] ?? "") fields.push(await this.#field(kind));
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
    } else if (op === "TUN_CONFIRM") {
      result = new Tunnel(this, number, await this.#field("n"));
      this.#tunnels.set(number, result);
      this._tell("TUN_ALLOW", number, this.#window);
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
      reply = [true, Buffer.from(await this.#handlers.request(body))];
    } catch (error) {
      reply = [false, error.message || "the handler failed"];
    }
    if (this.ended === undefined) this._tell("REPLY", number, ...reply);
  }

  async #accept(build, limit) {
    const number = this.#numbers++;
    const tunnel = new Tunnel(this, number, limit);
    this.#tunnels.set(number, tunnel);
    this._tell("TUN_CONFIRM", build, number);
    this._tell("TUN_ALLOW", number, this.#window);
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
  #limit; // octets of a chunk
  #news = new EventEmitter(); // "change" of what follows
  #credit = 0; // octets that the relay takes
  #inbox = [];
  #parts = []; // of the message that is coming
  #size = 0; // that it will have
  #have = 0; // that came already
  #refund = 0; // octets of messages that were given up halfway
  #ended; // why; "" in order
  #turn = Promise.resolve(); // ends when the last message was sent

  constructor(relay, number, limit) {
    this.#relay = relay;
    this.#number = number;
    this.#limit = limit;
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
    for (let at = 0; at < octets.length; at += this.#limit) {
      const chunk = octets.subarray(at, at + this.#limit);
      await this.#until(() => this.#credit >= chunk.length, signal);
      if (this.#ended !== undefined) throw new Closed(this.#ended || "the tunnel was closed");
      this.#credit -= chunk.length;
      const size = at === 0 ? octets.length : 0;
      await this.#relay._send("TUN_TRANSFER", this.#number, size, chunk);
    }
  }

  /** The next message, or null when the other end has closed the tunnel. */
  async recv({ signal } = {}) {
    await this.#until(() => this.#inbox.length > 0, signal);
    const message = this.#inbox.shift();
    if (!message && this.#ended) throw new Closed(this.#ended);
    if (!message) return null;
    if (this.#ended === undefined) { // what was taken makes room for more
      this.#relay._tell("TUN_ALLOW", this.#number, message.length + this.#refund);
      this.#refund = 0;
    }
    return message;
  }

  async *[Symbol.asyncIterator]() {
    for (let message; (message = await this.recv()); ) yield message;
  }

  /** Ends the tunnel. What was sent still arrives at the other end. */
  async close() {
    if (this.#ended === undefined) this.#relay._tell("TUN_CLOSE", this.#number);
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
