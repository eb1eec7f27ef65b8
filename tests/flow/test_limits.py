"""Large deliveries: taken up to the limit, refused past it, never a stall."""

import time

import pytest

from harness import client, database, metrics, wire
from harness.phone import Phone, deliver
from harness.service import sanitized
from simulator import events

MIB = 1 << 20
LIMIT = 4 * MIB


def padded(raw, size):
    """The same JSON, blown up to that many bytes with spaces."""
    return raw[:1] + b" " * (size - len(raw)) + raw[1:]


def timed(service, raw):
    began = time.monotonic()
    answer = deliver(service, raw)
    return answer, time.monotonic() - began


def test_four_mib_exactly_is_taken(service, customer, phone):
    phone.get_code(customer)
    answer, _ = timed(service, padded(events.body(events.linked(phone.psid, phone.code)), LIMIT))
    assert answer.status == 200
    assert database.holders(service.database, phone.psid) == [customer.id]


def test_one_byte_more_is_413(service, phone):
    raw = padded(events.body(events.unlinked(phone.psid)), LIMIT + 1)
    head = wire.request("POST", "/webhook", [("X-Hub-Signature-256", events.sign(raw, service.secret)),
                                             ("Content-Length", str(len(raw)))], length=False)
    with database.unchanged(service):
        answers, closed = wire.talk(service.url, head)
    assert [one.status for one in answers] == [413] and closed, "before the body is sent"


def test_more_than_the_limit_in_chunks_is_413(service):
    head = (f"POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            f"X-Hub-Signature-256: sha256={'0' * 64}\r\n\r\n").encode()
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    answers, closed = wire.talk(service.url, head + chunk * 66 + b"0\r\n\r\n", wait=8)
    assert closed, "the answer itself may be lost with the rest of the body"
    assert [one.status for one in answers] in ([413], [])


def test_ten_thousand_events(service, customer, phone):
    phone.get_code(customer)
    filler = [events.message(phone.psid, "x") for _ in range(5000)]
    raw = events.body(*filler, events.linked(phone.psid, phone.code), *filler[:4999])
    answer, seconds = timed(service, raw)
    assert answer.status == 200 and seconds < 4.6
    assert database.holders(service.database, phone.psid) == [customer.id]


def test_ten_thousand_link_events(service):
    raw = events.body(*[events.unlinked(events.new_psid()) for _ in range(10_000)])
    with database.unchanged(service):
        answer, seconds = timed(service, raw)
    assert answer.status in (200, 503) and seconds < 4.8


def test_a_thousand_entries(service, customer, phone):
    phone.get_code(customer)
    entries = [events.entry(events.read(phone.psid)) for _ in range(999)]
    raw = events.body_of(*entries, events.entry(events.linked(phone.psid, phone.code)))
    assert deliver(service, raw).status == 200
    assert database.holders(service.database, phone.psid) == [customer.id]


BOMBS = {
    "deep arrays": lambda: b"[" * 10_000 + b"]" * 10_000, "deep open": lambda: b"[" * (1 << 20),
    "deep objects": lambda: b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "many members": lambda: b"{" + b",".join(b'"%d":0' % n for n in range(200_000)) + b"}",
    "many zeros": lambda: b"[" + b"0," * (LIMIT // 2 - 2) + b"0]",
    "one long string": lambda: b'{"object":"' + b"a" * (LIMIT - 20) + b'"}',
    "one long number": lambda: b"[1" + b"0" * (1 << 20) + b"]",
    "escapes": lambda: b'["' + b"\\u0041" * 600_000 + b'"]',
    "white space": lambda: b" " * LIMIT, "nul bytes": lambda: b"\0" * MIB,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_200_and_others_are_served_meanwhile(service, name):
    raw = BOMBS[name]()
    sock = wire.connect(service.url, timeout=20)
    sock.sendall(wire.request("POST", "/webhook", [("X-Hub-Signature-256", events.sign(raw, service.secret)),
                                                   ("Connection", "close")], raw))
    began = time.monotonic()
    assert client.get(service.url + "/healthz").status == 200
    waited = time.monotonic() - began
    got, _ = wire.read_all(sock, 15)
    sock.close()
    assert [one.status for one in wire.split_answers(got)] == [200]
    assert waited < 2, f"healthz waited {waited:.2f} s"


def test_bodies_together_have_a_budget(make_service):
    service = make_service(LINKD_WEBHOOK_BODY_BUDGET=str(MIB), LINKD_WEBHOOK_MAX_BODY=str(MIB))
    raw = padded(events.body(events.message("7123456789", "x")), 900_000)
    signed = [("X-Hub-Signature-256", events.sign(raw, service.secret)), ("Connection", "close")]
    first = wire.connect(service.url)
    bytes_ = wire.request("POST", "/webhook", signed, raw)
    first.sendall(bytes_[:-10])
    time.sleep(0.3)
    answers, _ = wire.talk(service.url, bytes_)
    assert [one.status for one in answers] == [200], "the body that came in one burst"
    first.sendall(bytes_[-10:])
    got, _ = wire.read_all(first)
    first.close()
    assert [one.status for one in wire.split_answers(got)] == [503], "the body that stalled made way"
    assert deliver(service, raw).status == 200, "the budget is given back"
    assert metrics.value(service, "linkd_http_body_bytes") == 0
    assert metrics.value(service, "linkd_http_body_budget_refused_total") == 1


def test_heads_without_bodies_do_not_use_the_budget_up(service):
    head = wire.request("POST", "/webhook", [("Content-Length", str(LIMIT)),
                                             ("X-Hub-Signature-256", "sha256=" + "0" * 64)])
    socks = [wire.connect(service.url) for _ in range(40)]
    for sock in socks:
        sock.sendall(head)
    time.sleep(0.3)
    assert deliver(service, events.body(events.message("7123456789", "x"))).status == 200
    for sock in socks:
        sock.close()


def test_the_memory_of_large_bodies_is_given_back(service):
    raw = padded(events.body(events.message("7123456789", "x")), LIMIT)
    for _ in range(3):
        deliver(service, raw)
    before = service.rss_kib()
    for _ in range(20):
        assert deliver(service, raw).status == 200
    assert service.rss_kib() - before < (512 if sanitized() else 24) * 1024
    assert metrics.value(service, "linkd_http_body_bytes") == 0


def test_other_settings_of_the_limit(make_service):
    service = make_service(LINKD_WEBHOOK_MAX_BODY="65536")
    raw = events.body(events.unlinked(Phone(service).psid))
    assert deliver(service, padded(raw, 65536)).status == 200
    assert deliver(service, padded(raw, 65537)).status == 413
