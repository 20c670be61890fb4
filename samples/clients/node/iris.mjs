// A client of the relay of Iris for Node.js 18 and later, without packages.
//
//   const relay = await new Relay().connect();
//   console.log(String(await relay.request("greet", "world", { timeout: 1000 })));
//   await relay.close();
//
// docs/clients.md tells the protocol. Times are milliseconds; bodies and messages are
// Buffers, or strings where they are given. What needs a connection or a tunnel that has
// ended throws Closed.

import { EventEmitter, once } from "node:events";
import { createConnection } from "node:net";

// A packet is its opcode, the index here, and fields: n varint, s string, b binary, t the
// bool "timed out", after which nothing follows if it is set. Other bools are n, 0 or 1.
const PACKETS = [ // name, fields to the relay, fields from the relay
  ["init", "bbb", "ss"], ["deny", "", "ss"], ["close", "", "s"],
  ["broadcast", "sb", "b"], ["request", "nsbn", "nbn"], ["reply", "nnb", "ntnb"],
  ["subscribe", "s", ""], ["unsubscribe", "s", ""], ["publish", "sb", "sb"],
  ["tunnelInit", "nsn", "nn"], ["tunnelConfirm", "nn", "ntn"], ["tunnelAllow", "nn", "nn"],
  ["tunnelTransfer", "nnb", "nnb"], ["tunnelClose", "n", "ns"],
];

export class Fault extends Error {} // what a handler had to say instead of a reply
export class Timeout extends Error { message = "no answer in time" } // or nobody there
export class Closed extends Error {} // the connection or the tunnel has ended

function varint(number) {
  if (number < 0x80) return [number];
  return [(number % 0x80) | 0x80, ...varint(Math.floor(number / 0x80))];
}

function encode(name, ...fields) {
  const opcode = PACKETS.findIndex((packet) => packet[0] === name);
  const parts = [Buffer.from([opcode])];
  for (const [i, kind] of [...PACKETS[opcode][1]].entries()) {
    const octets = Buffer.from(kind === "n" ? varint(fields[i]) : fields[i]);
    if (kind === "s" && (octets.length === 0 || octets.length > 255)) {
      throw new RangeError("a name has 1 to 255 octets");
    }
    parts.push(Buffer.from(kind === "n" ? [] : varint(octets.length)), octets);
  }
  return Buffer.concat(parts);
}

/** Takes packets out of a socket. */
class Input {
  #pieces;
  #rest = Buffer.alloc(0);

  constructor(socket) {
    this.#pieces = socket[Symbol.asyncIterator]();
  }

  async packet() {
    const [name, , kinds] = PACKETS[await this.#varint()];
    const packet = [name];
    for (const kind of kinds) {
      let field = await this.#varint();
      if ("sb".includes(kind)) field = await this.#octets(field);
      packet.push(kind === "s" ? field.toString() : field);
      if (kind === "t" && field) break;
    }
    return packet;
  }

  async #varint() {
    const [octet] = await this.#octets(1);
    return octet < 0x80 ? octet : (octet % 0x80) + 0x80 * (await this.#varint());
  }

  async #octets(size) {
    const pieces = [this.#rest];
    for (let missing = size - this.#rest.length; missing > 0; missing -= pieces.at(-1).length) {
      const { value, done } = await this.#pieces.next();
      if (done) throw new Closed("the relay hung up");
      pieces.push(value);
    }
    const octets = pieces.length > 1 ? Buffer.concat(pieces) : this.#rest;
    this.#rest = octets.subarray(size);
    return octets.subarray(0, size);
  }
}

/** The relay, to which a program attaches. Members of a cluster override the handlers,
 * which may be async. */
export class Relay {
  ended; // why the connection has ended, "" in order
  ending; // a promise of that
  #socket;
  #window;
  #numbers = 0; // of requests and tunnels
  #answers = new Map(); // number -> {resolve, reject}
  #tunnels = new Map(); // number -> Tunnel
  #topics = new Map(); // name -> handler

  /** Returns the reply. What it throws is the Fault of who asked. */
  onRequest() {
    throw new Fault("no requests are served here");
  }

  /** Is called with each broadcast, in order. */
  onBroadcast() {}

  /** Has a Tunnel that another program opened. It is closed on return. */
  onTunnel() {}

  /** Attaches, as a member of cluster if that is not empty. A relay that other hosts can
   * reach asks for a token. window is how many octets of a tunnel may wait for recv. */
  async connect(options = {}) {
    const { port = 55555, host = "127.0.0.1", cluster = "", token = "" } = options;
    this.#window = options.window ?? 64 << 20;
    this.#socket = createConnection({ port, host, noDelay: true });
    await once(this.#socket, "connect");
    this.#socket.on("error", () => {}); // the reader learns of it
    this.ending = this.#read(new Input(this.#socket));
    if (token) this.#socket.write(`iris-token ${token}\n`);
    this.#send("init", "iris-client-magic", "v1.0-draft2", cluster);
    await this.#answerTo("welcome");
    return this;
  }

  /** Leaves, and returns when the relay confirms it. Requests that are pending end with
   * Timeout; replies to others have 100 ms. */
  async close() {
    if (this.ended === undefined) this.#send("close");
    return this.ending;
  }

  /** The reply of one member. Throws Fault, or Timeout, which comes at once if there is
   * no member. It is the relay that keeps the time. */
  async request(cluster, body, { timeout = 5000 } = {}) {
    return this.#ask("request", timeout, cluster, body);
  }

  /** A Tunnel to one member. Throws Timeout as request does. */
  async tunnel(cluster, { timeout = 5000 } = {}) {
    return this.#ask("tunnelInit", timeout, cluster);
  }

  /** Tells all members, and so this program if it is one. */
  async broadcast(cluster, body) {
    await this.#send("broadcast", cluster, body);
  }

  /** Tells all subscribers. */
  async publish(topic, body) {
    await this.#send("publish", topic, body);
  }

  /** Calls handler(body) for each event from now on, in order. */
  subscribe(topic, handler) {
    if (this.#topics.has(topic)) throw new Error(`subscribed to ${topic} already`);
    this.#send("subscribe", topic);
    this.#topics.set(topic, handler);
  }

  unsubscribe(topic) {
    if (!this.#topics.delete(topic)) throw new Error(`not subscribed to ${topic}`);
    this.#send("unsubscribe", topic);
  }

  /** The promise is kept when the socket has taken the packet; only those who send much
   * need to wait for it. */
  #send(...packet) {
    if (this.ended !== undefined) throw new Closed(this.ended || "closed");
    const octets = encode(...packet);
    return new Promise((resolve) => this.#socket.write(octets, resolve));
  }

  #ask(name, timeout, ...fields) {
    const number = this.#numbers++;
    this.#send(name, number, ...fields, Math.max(1, timeout));
    return this.#answerTo(number);
  }

  #answerTo(number) {
    return new Promise((resolve, reject) => this.#answers.set(number, { resolve, reject }));
  }

  #answer(number, result) {
    const { resolve, reject } = this.#answers.get(number);
    this.#answers.delete(number);
    (result instanceof Error ? reject : resolve)(result);
  }

  /** Takes packets until the end. It waits for octets and nothing else. */
  async #read(input) {
    try {
      while (this.ended === undefined) {
        const [name, ...fields] = await input.packet();
        this.#take[name](...fields);
      }
    } catch (error) {
      this.ended = `connection lost: ${error.message}`;
    }
    this.#socket.destroySoon();
    const reason = this.ended || "closed";
    for (const number of this.#answers.keys()) this.#answer(number, new Closed(reason));
    for (const tunnel of this.#tunnels.values()) tunnel.end(reason);
    return this.ended;
  }

  #take = {
    close: (reason) => (this.ended = reason),
    init: () => this.#answer("welcome"),
    deny: (magic, reason) => this.#answer("welcome", new Closed(`denied: ${reason}`)),
    broadcast: (body) => this.#handle(() => this.onBroadcast(body)),
    publish: (topic, body) => this.#handle(() => this.#topics.get(topic)?.(body)),
    request: (number, body) => this.#serve(number, body),
    reply: (number, timedOut, ok, body) =>
      this.#answer(number, timedOut ? new Timeout() : ok ? body : new Fault(body)),
    tunnelInit: (build, limit) => this.#accept(build, limit),
    tunnelConfirm: (number, timedOut, limit) =>
      this.#answer(number, timedOut ? new Timeout() : this.#open(number, limit)),
    tunnelAllow: (number, octets) => this.#tunnels.get(number).allow(octets),
    tunnelTransfer: (number, size, chunk) => this.#tunnels.get(number).transfer(size, chunk),
    tunnelClose: (number, reason) => {
      this.#tunnels.get(number).end(reason);
      this.#tunnels.delete(number);
    },
  };

  /** Runs a handler, whose errors are nobody else's. */
  async #handle(job) {
    try {
      await job();
    } catch (error) {
      if (!(error instanceof Closed)) console.error("iris: a handler failed:", error);
    }
  }

  async #serve(number, body) {
    let reply;
    try {
      reply = encode("reply", number, 1, await this.onRequest(body));
    } catch (error) {
      reply = encode("reply", number, 0, error.message || "the handler failed");
    }
    this.#socket.write(reply);
  }

  async #accept(build, limit) {
    const number = this.#numbers++;
    this.#send("tunnelConfirm", build, number);
    const tunnel = this.#open(number, limit);
    await this.#handle(() => this.onTunnel(tunnel));
    await this.#handle(() => tunnel.close());
  }

  #open(number, limit) {
    const tunnel = new Tunnel((name, ...fields) => this.#send(name, number, ...fields), limit);
    this.#tunnels.set(number, tunnel);
    this.#send("tunnelAllow", number, this.#window);
    return tunnel;
  }
}

/** Carries messages of one octet and more to the other end and back, in order. */
export class Tunnel {
  #send; // (name, ...fields after the number)
  #limit; // octets of a chunk
  #turn = Promise.resolve(); // ends when the last message was sent
  #news = new EventEmitter(); // "change" of what follows
  #ended; // why, "" in order
  #credit = 0; // octets that the relay takes
  #inbox = []; // messages, and the credit to return for each
  #parts = []; // of the message that comes
  #missing = 0; // of its octets
  #came = 0; // octets since a message was complete

  constructor(send, limit) {
    [this.#send, this.#limit] = [send, limit];
  }

  /** Waits while the other end does not take more. If the signal aborts that, the message
   * was not sent and the tunnel goes on. */
  async send(message, { signal } = {}) {
    const sent = this.#turn.then(() => this.#chunks(Buffer.from(message), signal));
    this.#turn = sent.catch(() => {});
    return sent;
  }

  async #chunks(message, signal) {
    for (let at = 0; at < message.length; at += this.#limit) {
      const chunk = message.subarray(at, at + this.#limit);
      await this.#until(() => this.#credit >= chunk.length, signal);
      this.#credit -= chunk.length;
      await this.#send("tunnelTransfer", at === 0 ? message.length : 0, chunk);
    }
  }

  /** The next message, or null when the other end has closed the tunnel. */
  async recv({ signal } = {}) {
    const next = () => this.#inbox.shift() ?? (this.#ended === "" && [null, 0]);
    const [message, octets] = await this.#until(next, signal);
    if (this.#ended === undefined) this.#send("tunnelAllow", octets); // there is room again
    return message;
  }

  async *[Symbol.asyncIterator]() {
    for (let message; (message = await this.recv()); ) yield message;
  }

  /** Ends the tunnel. What was sent still arrives at the other end. */
  async close() {
    if (this.#ended === undefined) this.#send("tunnelClose");
    await this.#until(() => this.#ended !== undefined);
  }

  /** Waits until get() returns something, and returns that. */
  async #until(get, signal) {
    for (;;) {
      const got = get();
      if (got) return got;
      if (this.#ended !== undefined) throw new Closed(this.#ended || "the tunnel was closed");
      await once(this.#news, "change", { signal });
    }
  }

  // What follows is for the Relay.

  allow(octets) {
    this.#credit += octets;
    this.#news.emit("change");
  }

  transfer(size, chunk) {
    if (size > 0) [this.#parts, this.#missing] = [[], size]; // the one before was given up
    this.#parts.push(chunk);
    this.#missing -= chunk.length;
    this.#came += chunk.length;
    if (this.#missing > 0) return;
    this.#inbox.push([Buffer.concat(this.#parts), this.#came]);
    this.#came = 0;
    this.#news.emit("change");
  }

  end(reason) {
    [this.#ended, this.#credit] = [reason, 0];
    this.#news.emit("change");
  }
}
