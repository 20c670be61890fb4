"""A client of the relay of Iris, for asyncio in Python 3.11 and later, without packages.

    async with await iris.connect() as relay:
        print(await relay.request("greet", b"world", timeout=1))

docs/clients.md tells the protocol. What has ended raises ConnectionError. Tunnels wait
without limit: put asyncio.timeout around them.
"""

import asyncio
import itertools
import logging
from collections import deque
from contextlib import suppress
from enum import IntEnum

Op = IntEnum("Op", "INIT DENY CLOSE BROADCAST REQUEST REPLY SUBSCRIBE UNSUBSCRIBE PUBLISH "
                   "TUN_INIT TUN_CONFIRM TUN_ALLOW TUN_TRANSFER TUN_CLOSE", start=0)
# Fields of packets: n varint, b binary, s string, ? bool. What follows "?" in answers of
# the relay depends on it, see Connection._answered.
TO_RELAY = {
    Op.INIT: "bbb", Op.CLOSE: "", Op.BROADCAST: "sb", Op.REQUEST: "nsbn", Op.REPLY: "n?b",
    Op.SUBSCRIBE: "s", Op.UNSUBSCRIBE: "s", Op.PUBLISH: "sb", Op.TUN_INIT: "nsn",
    Op.TUN_CONFIRM: "nn", Op.TUN_ALLOW: "nn", Op.TUN_TRANSFER: "nnb", Op.TUN_CLOSE: "n"}
FROM_RELAY = {
    Op.INIT: "ss", Op.DENY: "ss", Op.CLOSE: "s", Op.BROADCAST: "b", Op.REQUEST: "nbn",
    Op.REPLY: "n?", Op.PUBLISH: "sb", Op.TUN_INIT: "nn", Op.TUN_CONFIRM: "n?",
    Op.TUN_ALLOW: "nn", Op.TUN_TRANSFER: "nnb", Op.TUN_CLOSE: "ns"}


class Fault(Exception):
    """What a handler had to say instead of a reply."""


def varint(number):
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    octets.append(number)
    return octets


def encode(op, *fields):
    packet = bytearray([op])
    for kind, field in zip(TO_RELAY[op], fields, strict=True):
        if kind in "n?":  # a bool is a varint of 0 or 1
            packet += varint(field)
            continue
        octets = field.encode() if isinstance(field, str) else field
        if kind == "s" and not 0 < len(octets) < 256:
            raise ValueError("a name has 1 to 255 octets")
        packet += varint(len(octets)) + octets
    return packet


async def refuse(body):
    raise Fault("no requests are served here")


async def connect(port=55555, host="127.0.0.1", *, cluster="", token="", **options):
    """Attaches, as a member of cluster if that is not empty. A relay that other hosts
    can reach asks for a token. The options are those of Connection."""
    reader, writer = await asyncio.open_connection(host, port)
    if token:
        writer.write(f"iris-token {token}\n".encode())
    writer.write(encode(Op.INIT, "iris-client-magic", "v1.0-draft2", cluster))
    relay = Connection(reader, writer, **options)
    try:
        op, magic, text = await relay._packet()
        if op != Op.INIT or magic != "iris-relay-magic":
            raise ConnectionError(f"connection denied: {text}")
    except BaseException:
        writer.close()
        raise
    relay._running = asyncio.create_task(relay._run())
    return relay


class Connection:
    """An attached program. Bodies may be text, but come as bytes. A member of a cluster
    has async functions as handlers:

    request(body) returns the reply; what it raises is the asker's Fault. It is
    cancelled when the asker gives up. At most concurrency run at a time.
    broadcast(body) gets broadcasts, one after the other.
    tunnel(tunnel) gets a Tunnel, which is closed when it returns.

    window is how many octets of a tunnel may wait for recv, backlog how many events
    and broadcasts for their handlers; later ones are missed, and counted.
    """

    def __init__(self, reader, writer, *, request=refuse, broadcast=None, tunnel=None,
                 concurrency=256, window=64 << 20, backlog=1024):
        self.ended = None  # why there is no connection any more
        self.missed = 0
        self._reader, self._writer = reader, writer
        self._on_request, self._on_broadcast, self._on_tunnel = request, broadcast, tunnel
        self._places = asyncio.Semaphore(concurrency)
        self._window = window
        self._events = asyncio.Queue(backlog)
        self._numbers = itertools.count()  # of requests and tunnels
        self._answers = {}  # number -> future
        self._tunnels = {}  # number -> Tunnel
        self._topics = {}   # topic -> handler
        self._tasks = set()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()

    async def request(self, cluster, body, timeout=5.0):
        """The reply of one member. Raises Fault, or TimeoutError, which comes at once if
        there is no member. It is the relay that keeps the time."""
        return await self._ask(timeout, Op.REQUEST, cluster, body)

    async def broadcast(self, cluster, body):
        """Tells all members, and so this program if it is one."""
        await self._send(Op.BROADCAST, cluster, body)

    async def publish(self, topic, body):
        """Tells all subscribers."""
        await self._send(Op.PUBLISH, topic, body)

    async def subscribe(self, topic, handler):
        """Awaits handler(body) for each event from now on, one after the other."""
        if topic in self._topics:  # the relay would hang up
            raise ValueError(f"subscribed to {topic} already")
        self._tell(Op.SUBSCRIBE, topic)
        self._topics[topic] = handler

    async def unsubscribe(self, topic):
        del self._topics[topic]
        self._tell(Op.UNSUBSCRIBE, topic)

    async def tunnel(self, cluster, timeout=5.0):
        """A Tunnel to one member. Raises TimeoutError as request does."""
        return await self._ask(timeout, Op.TUN_INIT, cluster)

    async def close(self):
        """Leaves, and returns when the relay confirms it. Requests that are pending end
        with TimeoutError; replies to others have 100 ms."""
        with suppress(ConnectionError):
            self._tell(Op.CLOSE)
        await self.wait()

    async def wait(self):
        """Waits for the end of the connection and returns why it came, "" in order."""
        await asyncio.wait([self._running])
        return self.ended

    def _tell(self, *packet):
        if self.ended is not None:
            raise ConnectionError(self.ended or "closed")
        self._writer.write(encode(*packet))

    async def _send(self, *packet):
        await self._writer.drain()  # while the relay reads slower than we write
        self._tell(*packet)

    async def _ask(self, timeout, op, *fields):
        number = next(self._numbers)
        await self._send(op, number, *fields, max(1, round(timeout * 1000)))
        self._answers[number] = asyncio.get_running_loop().create_future()
        return await self._answers[number]

    async def _run(self):
        events = asyncio.create_task(self._handle_events())
        ended = "stopped"
        try:
            ended = await self._read()
        except EOFError:
            ended = "the relay hung up"
        except OSError as e:
            ended = str(e) or "the connection failed"
        except (KeyError, ValueError) as e:
            ended = f"the relay broke the protocol: {e!r}"
        finally:
            self.ended = ended
            events.cancel()
            self._writer.close()
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(ConnectionError(ended or "closed"))
            for tunnel in self._tunnels.values():
                tunnel.end(ended or "closed")

    async def _read(self):
        """Takes packets until the relay says Close. Waits for octets and nothing else:
        handlers have tasks of their own."""
        while True:
            match await self._packet():
                case Op.CLOSE, reason:
                    return reason
                case Op.BROADCAST, body:
                    await self._queue(self._on_broadcast, body)
                case Op.PUBLISH, topic, body:  # without a handler: it crossed our Unsubscribe
                    await self._queue(self._topics.get(topic), body)
                case Op.REQUEST, number, body, timeout:
                    self._start(self._serve(number, body, timeout / 1000))
                case (Op.REPLY | Op.TUN_CONFIRM) as op, number, timed_out:
                    await self._answered(op, number, timed_out)
                case Op.TUN_INIT, build, limit:
                    self._start(self._accept(build, limit))
                case Op.TUN_ALLOW, number, space:
                    self._tunnels[number].allow(space)
                case Op.TUN_TRANSFER, number, size, chunk:
                    self._tunnels[number].transfer(size, chunk)
                case Op.TUN_CLOSE, number, reason:
                    self._tunnels.pop(number).end(reason)

    async def _packet(self):
        op = Op((await self._reader.readexactly(1))[0])
        return op, *[await self._field(kind) for kind in FROM_RELAY[op]]

    async def _field(self, kind):
        number = shift = 0
        while (octet := (await self._reader.readexactly(1))[0]) > 0x7F:
            number |= (octet & 0x7F) << shift
            shift += 7
        number |= octet << shift
        if kind in "n?":
            return number
        data = await self._reader.readexactly(number)
        return data if kind == "b" else data.decode(errors="replace")

    async def _answered(self, op, number, timed_out):
        result, error = None, None
        if timed_out:
            error = TimeoutError("no answer in time")
        elif op == Op.TUN_CONFIRM:
            result = self._tunnels[number] = Tunnel(self, number, await self._field("n"))
            self._tell(Op.TUN_ALLOW, number, self._window)
        elif await self._field("?"):
            result = await self._field("b")
        else:
            error = Fault(await self._field("s"))
        answer = self._answers.pop(number)
        if answer.done():  # who asked was cancelled
            if isinstance(result, Tunnel):
                self._tell(Op.TUN_CLOSE, number)
        elif error:
            answer.set_exception(error)
        else:
            answer.set_result(result)

    def _start(self, job):
        task = asyncio.create_task(job)
        self._tasks.add(task)  # the event loop itself may forget it
        task.add_done_callback(self._tasks.discard)

    async def _queue(self, handler, body):
        if handler and self._events.full():
            await asyncio.sleep(0)  # the turn of handlers that are fast enough
        try:
            if handler:
                self._events.put_nowait((handler, body))
        except asyncio.QueueFull:
            self.missed += 1

    async def _handle_events(self):
        while True:
            handler, body = await self._events.get()
            try:
                await handler(body)
            except Exception:
                logging.exception("iris: a handler failed")

    async def _serve(self, number, body, timeout):
        try:
            async with asyncio.timeout(timeout) as patience, self._places:
                reply = True, await self._on_request(body)
        except Exception as e:
            if patience.expired():
                return  # nobody waits for a reply any more
            reply = False, str(e) or type(e).__name__
        with suppress(ConnectionError):
            await self._send(Op.REPLY, number, *reply)

    async def _accept(self, build, limit):
        number = next(self._numbers)
        tunnel = self._tunnels[number] = Tunnel(self, number, limit)
        with suppress(ConnectionError):
            self._tell(Op.TUN_CONFIRM, build, number)
            self._tell(Op.TUN_ALLOW, number, self._window)
            try:
                if self._on_tunnel:
                    await self._on_tunnel(tunnel)
            finally:
                await tunnel.close()


class Tunnel:
    """Carries messages of one octet and more to the other end and back, in order."""

    def __init__(self, relay, number, limit):
        self._relay, self._number, self._limit = relay, number, limit
        self._sending = asyncio.Lock()
        self._news = asyncio.Event()  # set at each change of what follows
        self._credit = 0  # octets that the relay takes
        self._inbox = deque()
        self._part, self._size = bytearray(), 0  # the message that is coming, and its size
        self._refund = 0  # octets of messages that were given up halfway
        self._ended = None  # why; "" in order

    async def send(self, message):
        """Waits while the other end does not take more. If that is cancelled, the
        message was not sent and the tunnel goes on."""
        if not message:
            raise ValueError("a message has at least one octet")
        async with self._sending:
            for at in range(0, len(message), self._limit):
                chunk = message[at:at + self._limit]
                await self._relay._writer.drain()
                await self._until(lambda need=len(chunk): self._credit >= need)
                if self._ended is not None:
                    raise ConnectionError(self._ended or "the tunnel was closed")
                self._credit -= len(chunk)
                self._relay._tell(Op.TUN_TRANSFER, self._number, 0 if at else len(message), chunk)

    async def recv(self):
        """The next message, or None when the other end has closed the tunnel."""
        await self._until(lambda: self._inbox)
        if not self._inbox:
            if self._ended:
                raise ConnectionError(self._ended)
            return None
        message = self._inbox.popleft()
        if self._ended is None:  # what was taken makes room for more
            self._relay._tell(Op.TUN_ALLOW, self._number, len(message) + self._refund)
            self._refund = 0
        return message

    async def __aiter__(self):
        while (message := await self.recv()) is not None:
            yield message

    async def close(self):
        """Ends the tunnel. What was sent still arrives at the other end."""
        if self._ended is None:
            self._relay._tell(Op.TUN_CLOSE, self._number)
        await self._until(lambda: False)

    async def _until(self, ready):
        while not ready() and self._ended is None:
            self._news.clear()
            await self._news.wait()

    # What follows is for the Connection.

    def allow(self, space):
        self._credit += space
        self._news.set()

    def transfer(self, size, chunk):
        if size:  # a new message; its sender may have given up the one before
            self._refund += len(self._part)
            self._part, self._size = bytearray(), size
        self._part += chunk
        if len(self._part) == self._size:
            self._inbox.append(bytes(self._part))
            self._part = bytearray()
            self._news.set()

    def end(self, reason):
        self._ended = reason
        self._news.set()
