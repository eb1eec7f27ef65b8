"""No pause between answers: 1 to 200 connections, health and the webhook with the real store."""

import gc
import selectors
import time

import pytest

from conftest import FULL
from harness import wire
from simulator import events

SECONDS = 4.0 if FULL else 1.0
LIMIT_S = 0.1 if FULL else 2.0


def requests_for(service, kind):
    if kind == "healthz":
        return wire.request("GET", "/healthz")
    raw = events.body(events.unlinked("7123456789012345"))
    return wire.request("POST", "/webhook", [("X-Hub-Signature-256", events.sign(raw, service.secret))], raw)


def run(service, raw, connections):
    """Every connection asks again as soon as it is answered; -> (answers, longest pause between any two)."""
    chosen = selectors.DefaultSelector()
    socks = [wire.connect(service.url) for _ in range(connections)]
    for sock in socks:
        sock.setblocking(False)
        chosen.register(sock, selectors.EVENT_READ)
    gc.disable()
    try:
        for sock in socks:
            sock.send(raw)
        return drive(chosen, raw)
    finally:
        gc.enable()
        chosen.close()
        for sock in socks:
            sock.close()


def drive(chosen, raw):
    answers, longest = 0, 0.0
    last = time.monotonic()
    ends = last + SECONDS
    while last < ends:
        ready = chosen.select(LIMIT_S * 2)
        now = time.monotonic()
        longest, last = max(longest, now - last), now
        if not ready:
            return answers, longest
        for key, _ in ready:
            got = key.fileobj.recv(65536)
            assert got.startswith(b"HTTP/1.1 200 "), got[:200]
            answers += 1
            key.fileobj.send(raw)
    return answers, longest


@pytest.mark.parametrize("kind", ["healthz", "webhook"])
@pytest.mark.parametrize("connections", [1, 2, 16, 200])
def test_no_pause_between_answers(service, kind, connections):
    answers, longest = run(service, requests_for(service, kind), connections)
    print(f"\n{kind}, {connections} connections: {answers / SECONDS:.0f} answers/s,"
          f" longest pause {longest * 1000:.1f} ms")
    assert answers >= connections
    assert longest < LIMIT_S
