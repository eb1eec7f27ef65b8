"""No pause between answers: 1 to 200 connections, health and the webhook with the real store."""

import gc
import selectors
import time

import pytest

from conftest import FULL
from harness import wire
from simulator import events

SECONDS = 4.0 if FULL else 1.0
PATIENCE_S = 20.0  # on a busy machine not every connection has its first answer after SECONDS
LIMIT_S = 0.1 if FULL else 2.0


def requests_for(service, kind):
    if kind == "healthz":
        return wire.request("GET", "/healthz")
    raw = events.body(events.unlinked("7123456789012345"))
    return wire.request("POST", "/webhook", [("X-Hub-Signature-256", events.sign(raw, service.secret))], raw)


def run(service, raw, connections):
    """Every connection asks again as soon as it is answered; -> (answers, longest pause between any two, seconds)."""
    chosen = selectors.DefaultSelector()
    socks = [wire.connect(service.url) for _ in range(connections)]
    for sock in socks:
        sock.setblocking(False)
        chosen.register(sock, selectors.EVENT_READ)
    gc.disable()
    try:
        for sock in socks:
            sock.send(raw)
        return drive(chosen, raw, connections)
    finally:
        gc.enable()
        chosen.close()
        for sock in socks:
            sock.close()


def drive(chosen, raw, connections):
    answers, longest = 0, 0.0
    begin = last = time.monotonic()
    while last < begin + SECONDS or (answers < connections and last < begin + PATIENCE_S):
        ready = chosen.select(LIMIT_S * 2)
        now = time.monotonic()
        longest, last = max(longest, now - last), now
        if not ready:
            break
        for key, _ in ready:
            got = key.fileobj.recv(65536)
            assert got.startswith(b"HTTP/1.1 200 "), got[:200]
            answers += 1
            key.fileobj.send(raw)
    return answers, longest, last - begin


@pytest.mark.parametrize("kind", ["healthz", "webhook"])
@pytest.mark.parametrize("connections", [1, 2, 16, 200])
def test_no_pause_between_answers(service, kind, connections):
    answers, longest, seconds = run(service, requests_for(service, kind), connections)
    print(f"\n{kind}, {connections} connections: {answers / seconds:.0f} answers/s,"
          f" longest pause {longest * 1000:.1f} ms")
    assert answers >= connections
    assert longest < LIMIT_S
