"""Shows everything that iris.py can do.

    python3 demo.py serve PORT CLUSTER [TOKEN]   a member, until somebody asks it to leave
    python3 demo.py check PORT CLUSTER [TOKEN]   tries it, and asks it to leave

The member may be that of another language, and attached to another node.
"""

import asyncio
import sys

import iris

MIB = 1 << 20
LONG = 60  # seconds, of which a slow machine may need some


class Member(iris.Relay):
    def __init__(self, port, cluster, **options):
        super().__init__(port, cluster=cluster, **options)
        self.topic = cluster + ".heard"
        self.leaving, self.awake = asyncio.Event(), asyncio.Event()

    async def on_request(self, body):
        match body:
            case b"fail":
                raise iris.Fault("you asked for it")
            case b"sleep":
                await self.leaving.wait()
            case b"wake":
                self.awake.set()
            case b"leave":
                self.leaving.set()
        return body.upper()

    def on_broadcast(self, body):
        self.telling = asyncio.create_task(self.publish(self.topic, body))

    async def on_tunnel(self, tunnel):
        """Gives messages back, or only their numbers, and those not before it is woken."""
        if await tunnel.recv() == b"echo":
            async for message in tunnel:
                await tunnel.send(message)
            return
        await self.awake.wait()
        numbers = []
        while (message := await tunnel.recv()) != b"end":
            numbers.append(int(message[:8]))
        await tunnel.send(b"in order" if numbers == list(range(len(numbers))) else b"not in order")


async def serve(port, cluster, token):
    # A small window, so that a sender need not send much to be held up.
    async with Member(port, cluster, token=token, window=MIB) as member:
        print("serving", cluster, flush=True)
        await member.leaving.wait()


async def check(port, cluster, token):
    async with iris.Relay(port, token=token) as relay:
        await until_somebody_serves(relay, cluster)
        for step in (requests, timeouts, events, broadcasts, echoes, held_up):
            print(f"{step.__name__}: {await step(relay, cluster)}", flush=True)
        async with iris.Relay(port, token=token) as other:
            print("close:", await close(other, cluster), flush=True)
        await relay.request(cluster, b"leave", LONG)


async def until_somebody_serves(relay, cluster):
    for _ in range(1000):
        try:
            await relay.request(cluster, b"", LONG)
            return
        except TimeoutError:  # nobody there; that is known at once
            await asyncio.sleep(0.1)
    raise SystemExit(f"nobody serves {cluster}")


async def requests(relay, cluster):
    bodies = [b"hello", b"", bytes(MIB)] + [b"%d" % i for i in range(100)]
    replies = await asyncio.gather(*(relay.request(cluster, body, LONG) for body in bodies))
    assert replies == [body.upper() for body in bodies]
    try:
        await relay.request(cluster, b"fail", LONG)
    except iris.Fault as e:
        assert str(e) == "you asked for it", e
        return f"{len(replies)} replies and a fault"


async def timeouts(relay, cluster):
    for target, timeout in (cluster, 0.005), (cluster + ".nobody", 100 * LONG):
        try:
            await relay.request(target, b"sleep", timeout=timeout)
        except TimeoutError:
            continue
        raise AssertionError("a reply from whoever does not answer")
    return "after 5 ms, and with nobody there"


async def events(relay, cluster):
    heard, done = [], asyncio.Event()
    sent = [b"%d" % i for i in range(5000)]

    def hear(body):
        heard.append(body)
        if body == sent[-1]:
            done.set()

    relay.subscribe(cluster + ".events", hear)
    for body in sent:
        await relay.publish(cluster + ".events", body)
    await done.wait()
    relay.unsubscribe(cluster + ".events")
    assert heard == sent
    return f"{len(heard)}, in order"


async def broadcasts(relay, cluster):
    heard = asyncio.Queue()
    relay.subscribe(cluster + ".heard", heard.put_nowait)
    while True:  # the members may be on another node, which hears of us a moment later
        await relay.broadcast(cluster, b"to all")
        try:
            async with asyncio.timeout(0.2):
                assert await heard.get() == b"to all"
                return "heard"
        except TimeoutError:
            continue


async def echoes(relay, cluster):
    tunnel = await relay.tunnel(cluster, LONG)
    await tunnel.send(b"echo")
    sizes = 1, 65536, 65537, 16 * MIB, 5
    sending = asyncio.create_task(send_all(tunnel, [bytes([i]) * n for i, n in enumerate(sizes)]))
    for i, n in enumerate(sizes):
        assert await tunnel.recv() == bytes([i]) * n
    await sending
    await tunnel.close()
    return f"{sum(sizes)} octets there and back"


async def send_all(tunnel, messages):
    for message in messages:
        await tunnel.send(message)


async def held_up(relay, cluster):
    """The other end reads nothing at first: the sender has to wait, and loses nothing."""
    tunnel = await relay.tunnel(cluster, LONG)
    await tunnel.send(b"numbers")
    sent, blocked = 0, False
    while not blocked:
        assert sent < 1024, "256 MiB went into a tunnel that nobody reads"
        try:
            async with asyncio.timeout(0.5):
                await tunnel.send(b"%08d" % sent + bytes(MIB // 4))
                sent += 1
        except TimeoutError:
            blocked = True
    await relay.request(cluster, b"wake", LONG)
    for i in range(sent, sent + 8):  # the first of them is the one that was given up
        await tunnel.send(b"%08d" % i + bytes(MIB // 4))
    await tunnel.send(b"end")
    assert await tunnel.recv() == b"in order"
    assert await tunnel.recv() is None  # it was closed at the other end
    return f"after {sent} messages; all {sent + 8} arrived in order"


async def close(relay, cluster):
    pending = asyncio.create_task(relay.request(cluster, b"sleep", 10 * LONG))
    await relay.request(cluster, b"", LONG)
    clock = asyncio.get_running_loop().time
    start = clock()
    await relay.close()
    took = clock() - start
    assert relay.ended == "" and took < LONG, (relay.ended, took)
    try:
        await pending
    except TimeoutError:
        return f"with a request pending, in {took * 1000:.0f} ms"


if __name__ == "__main__":
    mode, port, cluster, *token = sys.argv[1:]
    asyncio.run({"serve": serve, "check": check}[mode](int(port), cluster, "".join(token)))
