"""Plays the session that a document shows, octet by octet, at a real relay.

    python3 replay.py DOCUMENT PORT

Lines that begin with > are what the client sends, those with < what the relay sends:
octets in hexadecimal, two spaces, an explanation. Octets in brackets may differ, and
lines of the relay that follow one another may come in another order.
"""

import itertools
import pathlib
import re
import socket
import sys

LINE = re.compile(r"^([<>]) (\S+(?: \S+)*)(?:  .*)?$", re.MULTILINE)


def replay(text, relay):
    lines = [(direction, octets.split()) for direction, octets in LINE.findall(text)]
    assert lines, "no session"
    for direction, group in itertools.groupby(lines, key=lambda line: line[0]):
        packets = [words for _, words in group]
        if direction == ">":
            relay.sendall(b"".join(map(octets_of, packets)))
            continue
        got = receive(relay, sum(map(len, packets)))
        if not any(matches(got, sum(order, [])) for order in itertools.permutations(packets)):
            raise SystemExit(f"the relay sent {got.hex(' ')} instead of {packets}")
    assert relay.recv(1) == b"", "the relay goes on after the session"
    return len(lines)


def octets_of(words):
    return bytes(int(word.strip("[]"), 16) for word in words)


def matches(got, words):
    return all(a == b or "[" in word for a, b, word in zip(got, octets_of(words), words))


def receive(relay, n):
    data = b""
    while len(data) < n:
        more = relay.recv(n - len(data))
        if not more:
            raise SystemExit(f"the relay hung up after {data.hex(' ')}")
        data += more
    return data


if __name__ == "__main__":
    document, port = sys.argv[1:]
    with socket.create_connection(("127.0.0.1", int(port)), timeout=30) as connection:
        print(replay(pathlib.Path(document).read_text(), connection), "lines are as shown")
