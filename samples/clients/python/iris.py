"""A client of the relay of Iris, for asyncio in Python 3.11 and later, without packages.

    async with iris.Relay() as relay:
        print(await relay.request("greet", b"world", timeout=1))

docs/clients.md tells the protocol. Names are str, bodies and messages bytes. What needs a
connection or a tunnel that has ended raises ConnectionError. Tunnels wait without limit:
put asyncio.timeout around them.
"""

import asyncio
import itertools
from collections import deque

# A packet is its opcode, the index here, and fields: n varint, s string, b binary, t the
# bool "timed out", after which nothing follows if it is set. Other bools are n, 0 or 1.
PACKETS = [  # name, fields to the relay, fields from the relay
    ("init", "bbb", "ss"), ("deny", "", "ss"), ("close", "", "s"),
    ("broadcast", "sb", "b"), ("request", "nsbn", "nbn"), ("reply", "nnb", "ntnb"),
    ("subscribe", "s", ""), ("unsubscribe", "s", ""), ("publish", "sb", "sb"),
    ("tunnel init", "nsn", "nn"), ("tunnel confirm", "nn", "ntn"), ("tunnel allow", "nn", "nn"),
    ("tunnel transfer", "nnb", "nnb"), ("tunnel close", "n", "ns")]
OPCODES = {name: opcode for opcode, (name, _, _) in enumerate(PACKETS)}


def varint(number):
    low, high = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(high) if high else bytes([low])


def encode(name, *fields):
    packet = bytearray([OPCODES[name]])
    for kind, field in zip(PACKETS[OPCODES[name]][1], fields, strict=True):
        octets = field.encode() if isinstance(field, str) else field
        if kind == "s" and not 0 < len(octets) < 256:
            raise ValueError("a name has 1 to 255 octets")
        packet += varint(field) if kind == "n" else varint(len(octets)) + octets
    return packet


async def read_varint(stream):
    octet = (await stream.readexactly(1))[0]
    return octet if octet < 0x80 else octet & 0x7F | await read_varint(stream) << 7


async def read_packet(stream):
    name, _, kinds = PACKETS[(await stream.readexactly(1))[0]]
    packet = [name]
    for kind in kinds:
        field = await read_varint(stream)
        if kind in "sb":
            field = await stream.readexactly(field)
        packet.append(field.decode(errors="replace") if kind == "s" else field)
        if kind == "t" and field:
            break
    return packet


class Fault(Exception):
    """What a handler had to say instead of a reply."""


class Relay:
    """The relay, to which a program attaches with "async with". It becomes a member of
    cluster if that is not empty. A relay that other hosts can reach asks for a token.

    Members override the handlers on_request, on_broadcast and on_tunnel. window is how
    many octets of a tunnel may wait for recv.
    """

    def __init__(self, port=55555, host="127.0.0.1", *, cluster="", token="", window=64 << 20):
        self.ended = None  # why the connection has ended, "" in order
        self._address, self._cluster, self._token = (host, port), cluster, token
        self._window = window
        self._numbers = itertools.count()  # of requests and tunnels
        self._answers = {}  # by number; Futures of results and exceptions
        self._tunnels = {}  # by number
        self._topics = {}  # by name; the handlers
        self._tasks = set()

    async def on_request(self, body):
        """Returns the reply. What it raises is the Fault of who asked."""
        raise Fault("no requests are served here")

    def on_broadcast(self, body):
        """Is called for each broadcast, in order. It cannot wait."""

    async def on_tunnel(self, tunnel):
        """Has a Tunnel that another program opened. It is closed on return."""

    async def __aenter__(self):
        reader, self._writer = await asyncio.open_connection(*self._address)
        self._reading = asyncio.create_task(self._read(reader))
        if self._token:
            self._writer.write(f"iris-token {self._token}\n".encode())
        self._send("init", "iris-client-magic", "v1.0-draft2", self._cluster)
        await self._answer_to("welcome")
        return self

    async def __aexit__(self, *_):
        await self.close()

    async def close(self):
        """Leaves, and returns when the relay confirms it. Requests that are pending end
        with TimeoutError; replies to others have 100 ms."""
        if self.ended is None:
            self._send("close")
        await self.wait()

    async def wait(self):
        """Waits for the end of the connection and returns why it came, "" in order."""
        return await asyncio.shield(self._reading)

    async def request(self, cluster, body, timeout=5.0):
        """The reply of one member. Raises Fault, or TimeoutError, which comes at once if
        there is no member. It is the relay that keeps the time."""
        return await self._ask("request", timeout, cluster, body)

    async def tunnel(self, cluster, timeout=5.0):
        """A Tunnel to one member. Raises TimeoutError as request does. If it is cancelled
        the tunnel may stay open."""
        return await self._ask("tunnel init", timeout, cluster)

    async def broadcast(self, cluster, body):
        """Tells all members, and so this program if it is one."""
        self._send("broadcast", cluster, body)
        await self._writer.drain()

    async def publish(self, topic, body):
        """Tells all subscribers."""
        self._send("publish", topic, body)
        await self._writer.drain()

    def subscribe(self, topic, handler):
        """Calls handler(body) for each event from now on, in order. It cannot wait."""
        if topic in self._topics:  # the relay would hang up
            raise ValueError(f"subscribed to {topic} already")
        self._send("subscribe", topic)
        self._topics[topic] = handler

    def unsubscribe(self, topic):
        del self._topics[topic]
        self._send("unsubscribe", topic)

    def _send(self, *packet):
        if self.ended is not None:
            raise ConnectionError(self.ended or "closed")
        self._writer.write(encode(*packet))

    async def _ask(self, name, timeout, *fields):
        number = next(self._numbers)
        self._send(name, number, *fields, max(1, round(timeout * 1000)))
        return await self._answer_to(number)

    async def _answer_to(self, number):
        answer = self._answers[number] = asyncio.Future()
        result = await asyncio.shield(answer)  # it comes even if nobody waits any more
        if isinstance(result, Exception):
            raise result
        return result

    def _answer(self, number, result):
        self._answers.pop(number).set_result(result)

    async def _read(self, stream):
        """Takes packets until the end. It waits for octets and nothing else: what handlers
        do are tasks of their own."""
        try:
            while self.ended is None:
                self._take(*await read_packet(stream))
        except Exception as error:
            self.ended = f"connection lost: {error!r}"
        self._writer.close()
        for number in list(self._answers):
            self._answer(number, ConnectionError(self.ended or "closed"))
        for tunnel in self._tunnels.values():
            tunnel.end(self.ended or "closed")
        return self.ended

    def _take(self, *packet):
        match packet:
            case "init", "iris-relay-magic", _:
                self._answer("welcome", None)
            case "deny", _, reason:
                self._answer("welcome", ConnectionError(f"denied: {reason}"))
            case "close", reason:
                self.ended = reason
            case "broadcast", body:
                asyncio.get_running_loop().call_soon(self.on_broadcast, body)
            case "publish", topic, body if topic in self._topics:
                asyncio.get_running_loop().call_soon(self._topics[topic], body)
            case "request", number, body, _:
                self._start(self._serve(number, body))
            case "reply", number, 0, ok, body:
                self._answer(number, body if ok else Fault(body.decode(errors="replace")))
            case "tunnel confirm", number, 0, limit:
                self._answer(number, self._open(number, limit))
            case "reply" | "tunnel confirm", number, _:
                self._answer(number, TimeoutError("no answer in time"))
            case "tunnel init", build, limit:
                self._start(self._accept(build, limit))
            case "tunnel allow", number, octets:
                self._tunnels[number].allow(octets)
            case "tunnel transfer", number, size, chunk:
                self._tunnels[number].transfer(size, chunk)
            case "tunnel close", number, reason:
                self._tunnels.pop(number).end(reason)

    def _start(self, job):
        task = asyncio.create_task(job)
        self._tasks.add(task)  # the event loop itself may forget it
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, number, body):
        try:
            reply = encode("reply", number, True, await self.on_request(body))
        except Exception as error:
            reply = encode("reply", number, False, str(error) or type(error).__name__)
        self._writer.write(reply)

    async def _accept(self, build, limit):
        number = next(self._numbers)
        self._send("tunnel confirm", build, number)
        tunnel = self._open(number, limit)
        try:
            await self.on_tunnel(tunnel)
        finally:
            await tunnel.close()

    def _open(self, number, limit):
        tunnel = self._tunnels[number] = Tunnel(self, number, limit)
        self._send("tunnel allow", number, self._window)
        return tunnel


class Tunnel:
    """Carries messages of one octet and more to the other end and back, in order."""

    def __init__(self, relay, number, limit):
        self._relay, self._number, self._limit = relay, number, limit
        self._sending = asyncio.Lock()  # one message after the other
        self._news = asyncio.Event()  # something of what follows has changed
        self._ended = None  # why, "" in order
        self._credit = 0  # octets that the relay takes
        self._inbox = deque()  # messages, and the credit to return for each
        self._part, self._size, self._came = bytearray(), 0, 0  # of the message that comes

    async def send(self, message):
        """Waits while the other end does not take more. If that is cancelled, the message
        was not sent and the tunnel goes on."""
        async with self._sending:
            for at in range(0, len(message), self._limit):
                chunk = message[at:at + self._limit]
                await self._until(lambda need=len(chunk): self._credit >= need)
                self._credit -= len(chunk)
                size = 0 if at else len(message)
                self._relay._send("tunnel transfer", self._number, size, chunk)

    async def recv(self):
        """The next message, or None when the other end has closed the tunnel."""
        await self._until(lambda: self._inbox or self._ended == "")
        if not self._inbox:
            return None
        message, octets = self._inbox.popleft()
        if self._ended is None:  # what was taken makes room for more
            self._relay._send("tunnel allow", self._number, octets)
        return message

    async def __aiter__(self):
        while (message := await self.recv()) is not None:
            yield message

    async def close(self):
        """Ends the tunnel. What was sent still arrives at the other end."""
        if self._ended is None:
            self._relay._send("tunnel close", self._number)
        await self._until(lambda: self._ended is not None)

    async def _until(self, ready):
        while not ready():
            if self._ended is not None:
                raise ConnectionError(self._ended or "the tunnel was closed")
            self._news.clear()
            await self._news.wait()

    # What follows is for the Relay.

    def allow(self, octets):
        self._credit += octets
        self._news.set()

    def transfer(self, size, chunk):
        if size:  # the sender may have given up the message before
            self._part, self._size = bytearray(), size
        self._part += chunk
        self._came += len(chunk)  # also those of messages that were given up
        if len(self._part) == self._size:
            self._inbox.append((bytes(self._part), self._came))
            self._came = 0
            self._news.set()

    def end(self, reason):
        self._ended, self._credit = reason, 0
        self._news.set()
