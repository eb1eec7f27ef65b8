"""Framing that servers and proxies read differently: refused, closed, and nothing behind it is served.

Behind every such request of the table stands a whole, rightly signed `unlinked` delivery of a linked profile: if
the service took it for a request of its own, the link would be gone and there would be a second answer.
LINKD_FRAMING=FILE writes down what came of each row; tests/framing.py shows it beside another release's."""

import contextlib
import json
import os
import pathlib
import socket
import time

import pytest

from harness import client, database, framing, wire
from harness.phone import Customer, Phone
from simulator import events

NEXT = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
ALONE = [one for one in framing.TABLE if one.want in (framing.REFUSED, framing.CLOSED)]
BLANKS = [one for one in framing.TABLE if one.want == framing.EITHER]
FOLLOWED = [one for one in framing.TABLE if one.want == framing.SERVED]


@pytest.fixture(scope="module")
def results():
    """What came of each row, by its id."""
    found = {}
    yield found
    if "LINKD_FRAMING" in os.environ:
        pathlib.Path(os.environ["LINKD_FRAMING"]).write_text(json.dumps(found))


@pytest.fixture(scope="module")
def kept():
    return {}


@pytest.fixture
def linked(service, kept):
    """A linked profile: the one before, as long as it is."""
    phone = kept.get("phone")
    if phone is None or not database.holders(service.database, phone.psid):
        phone = kept["phone"] = Phone(service).link(Customer(service))
    return phone


def smuggled(service, phone):
    raw = events.body(events.unlinked(phone.psid))
    return wire.request("POST", "/webhook", [("X-Hub-Signature-256", events.sign(raw, service.secret))], raw)


def in_words(answers, closed):
    """"400", "nothing, left open": the statuses, and whether the connection was closed as it should be."""
    return ", ".join([*(str(one.status) for one in answers)] or ["no answer"]) + ("" if closed else ", left open")


def with_behind(raw, behind):
    """In one write where the row is one, so that both are in the buffer at once."""
    return (*raw[:-1], raw[-1] + behind) if len(raw) > 1 else raw[0] + behind


@pytest.mark.parametrize("row", ALONE, ids=lambda row: row.id)
def test_nothing_behind_it_is_served(service, linked, results, row):
    with database.unchanged(service):
        answers, closed = wire.talk(service.url, with_behind(row.raw, smuggled(service, linked)), wait=2.5)
        results[row.id] = in_words(answers, closed)
        assert database.holders(service.database, linked.psid), "the request behind it was served"
    assert len(answers) <= 1, f"a second answer: {answers}"
    assert closed, f"left open after {answers}"
    assert answers or row.want == framing.REFUSED, "no answer"
    assert not answers or answers[0].status in row.statuses, answers
    if answers and answers[0].header("x-request-id"):
        assert answers[0].header("connection") == "close"


@pytest.mark.parametrize("row", FOLLOWED, ids=lambda row: row.id)
def test_the_next_one_is_served(service, results, row):
    """Where a proper request ends both sides agree; whole and byte by byte."""
    answers, closed = wire.talk(service.url, with_behind(row.raw, NEXT))
    results[row.id] = in_words(answers, closed)
    assert len(answers) == 2 and answers[0].status in row.statuses and answers[1].status == 200 and closed, answers
    assert [one.status for one in wire.talk(service.url, b"".join(row.raw) + NEXT, pieces=1)[0]] == [
        one.status for one in answers], "byte by byte"


@pytest.mark.parametrize("row", BLANKS, ids=lambda row: row.id)
def test_refused_and_closed_or_read_right(service, results, row):
    answers, closed = wire.talk(service.url, with_behind(row.raw, NEXT))
    results[row.id] = in_words(answers, closed)
    assert closed and answers and answers[0].status in row.statuses, answers
    assert len(answers) == (1 if answers[0].status == 400 else 2) and answers[-1].status in (200, 400), answers


def test_the_smuggled_request_would_have_worked(service, linked):
    """The control: alone, it does unlink."""
    answers, _ = wire.talk(service.url, smuggled(service, linked), wait=1)
    assert [one.status for one in answers] == [200] and not database.holders(service.database, linked.psid)


def test_an_expectation_without_body(service):
    answers, _ = wire.talk(service.url, framing.get(b"Expect: 100-continue\r\nConnection: close\r\n"))
    assert [one.status for one in answers] == [200]


def test_a_body_that_ends_too_early(make_service):
    """The sender says it is done in the middle of the body: closed at the deadline at the latest, nothing done."""
    service = make_service(LINKD_WEBHOOK_DEADLINE_MS=1000)
    with contextlib.closing(wire.connect(service.url)) as sock, database.unchanged(service):
        began = time.monotonic()
        sock.sendall(framing.post(framing.lengths(b"50")))
        sock.shutdown(socket.SHUT_WR)
        got, closed = wire.read_all(sock, 6)
        assert closed and time.monotonic() - began < 5
    assert all(one.status in (400, 408, 503) for one in wire.split_answers(got)), got
    assert client.call("GET", service.url + "/livez").status == 200
