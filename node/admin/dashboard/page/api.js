// Asking a node. Every answer is JSON; every failure is a Failure whose message
// can be shown as it is.

import { measured } from "./dom.js";
import { place } from "./place.js";

const LIMIT = 10_000; // milliseconds; a node bounds its answers by 2 s
const ORDER_LIMIT = 70_000; // and commands by 60 s

export class Failure extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

let unauthorised = async () => {};

/** onUnauthorised sets what happens, once at a time, when a token is asked for. */
export function onUnauthorised(f) {
  let running = null;
  unauthorised = () => (running ??= f().finally(() => (running = null)));
}

/** get asks the node that is looked at, or the one named, for a report. */
export async function get(what, args = {}, node = place.node) {
  const query = new URLSearchParams(Object.entries(args).filter(([, v]) => v !== "" && v !== null && v !== undefined));
  const text = query.toString();
  return parse(await send(path(what, node) + (text ? `?${text}` : "")));
}

/** order sends a command to a node. */
export async function order(command, body = {}, node = place.node) {
  return parse(await send(path(command, node), { method: "POST", body: JSON.stringify(body), limit: ORDER_LIMIT }));
}

/** login trades the token for a cookie that scripts cannot read. */
export async function login(token) {
  const answer = await request("login", { method: "POST", body: JSON.stringify({ token }) });
  if (!answer.ok) throw await failure(answer);
}

const path = (what, node) => (node ? `api/v1/nodes/${encodeURIComponent(node)}/${what}` : `api/v1/${what}`);

/** send makes a request, once more after the reader has logged in. */
export async function send(url, options = {}) {
  let answer = await request(url, options);
  if (answer.status === 401) {
    await unauthorised();
    answer = await request(url, options);
  }
  if (!answer.ok) throw await failure(answer);
  return answer;
}

async function request(url, { method = "GET", body, signal, limit = LIMIT } = {}) {
  const headers = method === "GET" ? {} : { "Content-Type": "application/json", "X-Iris-Admin": "1" };
  try {
    return await fetch(url, { method, body, headers, cache: "no-store", signal: signal ?? AbortSignal.timeout(limit) });
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new Failure(e.name === "TimeoutError" ? `no answer within ${limit / 1000} s` : "the node that serves this page cannot be reached", 0);
  }
}

async function parse(answer) {
  const body = await answer.text().catch(() => {
    throw new Failure("the answer broke off", 0);
  });
  return body ? measured("parse", () => JSON.parse(body)) : {};
}

async function failure(answer) {
  const body = await parse(answer).catch(() => ({}));
  return new Failure(body.error ?? `${answer.status} ${answer.statusText}`, answer.status);
}
