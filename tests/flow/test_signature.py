"""X-Hub-Signature-256: only the right one of the raw bytes lets a delivery in."""

import gzip
import hashlib
import hmac
import json

import pytest

from harness import database, metrics, wire
from harness.phone import deliver
from simulator import events


@pytest.fixture
def linked(service, customer, phone):
    """A linked customer, so that an accepted forgery would show."""
    phone.link(customer)
    return phone


def forge(phone):
    return events.body(events.unlinked(phone.psid))


WRONG = {
    "missing": lambda raw, key: None,
    "empty": lambda raw, key: "",
    "prefix only": lambda raw, key: "sha256=",
    "no prefix": lambda raw, key: events.sign(raw, key)[7:],
    "sha1 only": lambda raw, key: "sha1=" + hmac.new(key.encode(), raw, hashlib.sha1).hexdigest(),
    "sha1 labelled sha256": lambda raw, key: "sha256=" + hmac.new(key.encode(), raw,
                                                                  hashlib.sha1).hexdigest(),
    "upper-case hex": lambda raw, key: "sha256=" + events.sign(raw, key)[7:].upper(),
    "upper-case prefix": lambda raw, key: "SHA256=" + events.sign(raw, key)[7:],
    "63 digits": lambda raw, key: events.sign(raw, key)[:-1],
    "65 digits": lambda raw, key: events.sign(raw, key) + "0",
    "not hex": lambda raw, key: events.sign(raw, key)[:-1] + "g",
    "space inside": lambda raw, key: "sha256= " + events.sign(raw, key)[7:],
    "two in one": lambda raw, key: events.sign(raw, key) + "," + events.sign(raw, key),
    "all zero": lambda raw, key: "sha256=" + "0" * 64,
    "plain hash": lambda raw, key: "sha256=" + hashlib.sha256(raw).hexdigest(),
    "empty key": lambda raw, key: events.sign(raw, ""),
    "other key": lambda raw, key: events.sign(raw, key + "x"),
    "of another body": lambda raw, key: events.sign(raw + b" ", key),
    "of re-serialised JSON": lambda raw, key: events.sign(json.dumps(json.loads(raw)).encode(), key),
    "of an empty body": lambda raw, key: events.sign(b"", key),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_signature_is_403_and_changes_nothing(service, linked, name):
    raw = forge(linked)
    with database.unchanged(service):
        answer = deliver(service, raw, WRONG[name](raw, service.secret))
    assert answer.status == 403, name


def test_two_headers_are_refused(service, linked):
    raw = forge(linked)
    right = events.sign(raw, service.secret)
    for second in (right, "sha256=" + "0" * 64):
        bytes_ = wire.request("POST", "/webhook", [("X-Hub-Signature-256", right),
                                                   ("X-Hub-Signature-256", second),
                                                   ("Connection", "close")], raw)
        with database.unchanged(service):
            answers, _ = wire.talk(service.url, bytes_)
        assert [one.status for one in answers] == [403]


def test_every_flipped_bit_of_the_signature(service, linked):
    raw = forge(linked)
    right = bytearray.fromhex(events.sign(raw, service.secret)[7:])
    with database.unchanged(service):
        for bit in range(0, 256, 3):
            wrong = bytearray(right)
            wrong[bit // 8] ^= 1 << bit % 8
            assert deliver(service, raw, "sha256=" + wrong.hex()).status == 403, bit


def test_a_flipped_bit_of_the_body(service, linked):
    raw = forge(linked)
    right = events.sign(raw, service.secret)
    with database.unchanged(service):
        for at in range(0, len(raw), 5):
            wrong = bytearray(raw)
            wrong[at] ^= 1
            assert deliver(service, bytes(wrong), right).status == 403, at


def test_the_body_is_not_read_without_a_well_formed_signature(service):
    head = (b"POST /webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3000000\r\n"
            b"X-Hub-Signature-256: sha256=short\r\n\r\n")
    answers, closed = wire.talk(service.url, head)
    assert [one.status for one in answers] == [403] and closed


def test_sha1_beside_the_right_one_does_not_matter(service, linked):
    raw = forge(linked)
    assert deliver(service, raw, headers={"X-Hub-Signature": "sha1=" + "0" * 40}).status == 200
    assert database.holders(service.database, linked.psid) == []


def test_one_byte_at_a_time(service, linked):
    raw = forge(linked)
    bytes_ = wire.request("POST", "/webhook", [("X-Hub-Signature-256", events.sign(raw, service.secret)),
                                               ("Connection", "close")], raw)
    answers, _ = wire.talk(service.url, bytes_, pieces=1)
    assert [one.status for one in answers] == [200]
    assert database.holders(service.database, linked.psid) == []


def test_a_compressed_body_is_not_unpacked(service, linked):
    raw = gzip.compress(forge(linked))
    with database.unchanged(service):
        assert deliver(service, raw, headers={"Content-Encoding": "gzip"}).status in (200, 415)


def test_an_empty_body(service):
    with database.unchanged(service):
        assert deliver(service, b"").status == 200, "signed, but not usable: taken, counted"
        assert deliver(service, b"", None).status == 403


def test_any_content_type(service, linked):
    assert deliver(service, forge(linked), headers={"Content-Type": "text/plain"}).status == 200
    assert database.holders(service.database, linked.psid) == []


def test_three_secrets_while_rotating(make_service):
    keys = [f"{name}-secret-0123456789" for name in ("new", "mid", "old")]
    service = make_service(LINKD_APP_SECRET=",".join(keys))
    raw = events.body(events.message("712345678", "hi"))
    for secret in keys:
        assert deliver(service, raw, events.sign(raw, secret)).status == 200
    for secret in (service.settings["LINKD_APP_SECRET"], "gone-secret-0123456789", "new-secret-0123456789,"):
        assert deliver(service, raw, events.sign(raw, secret)).status == 403


def test_chunked_delivery_is_taken_and_the_connection_closed(service, linked):
    raw = forge(linked)
    head = (f"POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            f"X-Hub-Signature-256: {events.sign(raw, service.secret)}\r\n\r\n").encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(raw[at:at + 50]), raw[at:at + 50]) for at in range(0, len(raw),
                                                                                                50))
    answers, closed = wire.talk(service.url, head + chunks + b"0\r\n\r\n")
    assert [one.status for one in answers] == [200] and closed
    assert database.holders(service.database, linked.psid) == []


def test_no_secret_no_start(make_service):
    service = make_service(start=False, LINKD_APP_SECRET=None)
    done = service.command("serve")
    assert done.returncode == 1 and "LINKD_APP_SECRET" in done.stderr + done.stdout


def test_refusals_are_counted(service, phone):
    name = 'linkd_webhook_refused_total{reason="signature"}'
    before = metrics.value(service, name)
    deliver(service, forge(phone), events.sign(b"x", "y"))
    assert metrics.value(service, name) == before + 1
