"""Slow and silent clients: ended by the clock, never in anybody's way."""

import threading
import time

import pytest

from harness import client, wire
from simulator import events

LONGEST_S = 35
DRIP_S = 0.4


def drip(url, start, piece, times):
    """Send `start`, then one piece every DRIP_S; -> (answers, seconds until the other side ended it)."""
    sock = wire.connect(url)
    began = time.monotonic()
    sock.sendall(start)
    got = b""
    for _ in range(times):
        try:
            sock.sendall(piece)
            more, closed = wire.read_all(sock, DRIP_S)
        except ConnectionError:
            break
        got += more
        if closed:
            break
    seconds = time.monotonic() - began
    sock.close()
    return wire.split_answers(got), seconds


def start_of_body(service, length):
    return (f"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n"
            f"X-Hub-Signature-256: sha256={'0' * 64}\r\n\r\n").encode()


CHUNKED = (b"POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
           b"X-Hub-Signature-256: sha256=" + b"0" * 64 + b"\r\n\r\n")
FORM = (b"POST /link/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: 8000\r\n\r\n")
CASES = {
    "request line": lambda s: (b"GET /he", b"a"),
    "header name": lambda s: (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A", b"a"),
    "header lines": lambda s: (b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"X-A: b\r\n"),
    "body": lambda s: (start_of_body(s, 100_000), b" "),
    "chunks": lambda s: (CHUNKED, b"1\r\n \r\n"),
    "chunk extension": lambda s: (CHUNKED + b"1;a", b"b"),
    "form": lambda s: (FORM, b"a"),
    "silence": lambda s: (b"", b""),
    "silence in the header": lambda s: (b"GET / HTTP/1.1\r\n", b""),
    "silence in the body": lambda s: (start_of_body(s, 10), b""),
}


def test_every_dripper_is_ended_by_an_absolute_deadline(service):
    """All at once, with another client served all the while."""
    found, slowest = {}, 0.0

    def run(name):
        start, piece = CASES[name](service)
        found[name] = drip(service.url, start, piece, int(LONGEST_S / DRIP_S))

    threads = [threading.Thread(target=run, args=(name,)) for name in CASES]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        began = time.monotonic()
        assert client.get(service.url + "/healthz").status == 200
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.05)
    print("\n" + ", ".join(f"{name} {seconds:.1f} s" for name, (_, seconds) in sorted(found.items()))
          + f"; another client waited at most {slowest * 1000:.0f} ms")
    late = {name: seconds for name, (_, seconds) in found.items() if seconds > LONGEST_S - 1}
    assert not late, "not ended"
    assert slowest < 1
    for name, (answers, _) in found.items():
        assert all(one.status in (400, 403, 408, 503) for one in answers), (name, answers)


def test_many_half_open_connections_do_not_shut_others_out(make_service):
    service = make_service(LINKD_MAX_CONNECTIONS="64")
    socks = [wire.connect(service.url) for _ in range(200)]
    for sock in socks:
        try:
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-")
        except ConnectionError:
            pass
    began = time.monotonic()
    assert client.get(service.url + "/healthz").status == 200, "answered also at the limit"
    assert time.monotonic() - began < 3
    for sock in socks:
        sock.close()
    ends = time.monotonic() + 10
    while client.get(service.url + "/webhook").status != 403:
        assert time.monotonic() < ends, "did not recover"
        time.sleep(0.1)


def test_a_client_that_never_reads(service):
    """Asks for pages again and again and takes none of the answers."""
    sock = wire.connect(service.url, timeout=1, receive_buffer=2048)
    request = wire.request("GET", "/link")
    sent = 0
    try:
        while sent < 20_000:
            sock.sendall(request)
            sent += 1
    except (TimeoutError, ConnectionError):
        pass
    assert client.get(service.url + "/healthz").status == 200
    ends = time.monotonic() + LONGEST_S
    while time.monotonic() < ends:
        try:
            sock.sendall(b"x")
        except TimeoutError:
            continue
        except ConnectionError:
            break
    else:
        pytest.fail("never ended")
    sock.close()


def test_gone_before_the_answer(service, phone):
    raw = events.body(events.unlinked(phone.psid))
    request = wire.request("POST", "/webhook", [("X-Hub-Signature-256", events.sign(raw, service.secret))],
                           raw)
    for _ in range(100):
        sock = wire.connect(service.url)
        sock.sendall(request)
        sock.close()
    assert client.get(service.url + "/healthz").status == 200
