"""Framing that servers and proxies read differently: refused, closed, and nothing behind it is served.

Behind every request of the table stands a whole, rightly signed `unlinked` delivery of a linked profile: if
the service took it for a request of its own, the link would be gone and there would be a second answer."""

import pytest

from harness import database, wire
from harness.phone import Customer, Phone
from simulator import events

HOST = b"Host: x\r\n"
SIGNED = b"X-Hub-Signature-256: sha256=" + b"0" * 64 + b"\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"


def post(headers, body=b"hello"):
    return b"POST /webhook HTTP/1.1\r\n" + HOST + SIGNED + headers + b"\r\n" + body


def get(headers=b"", line=b"GET /livez HTTP/1.1", host=HOST, body=b""):
    return line + b"\r\n" + host + headers + b"\r\n" + body


def lengths(*values):
    return b"".join(b"Content-Length: " + one + b"\r\n" for one in values)


REFUSED = {  # name: (bytes, statuses)
    "two lengths, 5 then 43": (post(lengths(b"5", b"43")), {400}),
    "two lengths, 43 then 5": (post(lengths(b"43", b"5")), {400}),
    "two equal lengths": (post(lengths(b"5", b"5")), {400}),
    "length list": (post(lengths(b"5, 5")), {400}),
    "length with plus": (post(lengths(b"+5")), {400}),
    "length negative": (post(lengths(b"-1")), {400}),
    "length hex": (post(lengths(b"0x5")), {400}),
    "length empty": (post(lengths(b"")), {400, 411}),
    "length word": (post(lengths(b"five")), {400}),
    "length fraction": (post(lengths(b"5.0")), {400}),
    "length 2^64": (post(lengths(b"18446744073709551616")), {400, 413}),
    "length 2^64-1": (post(lengths(b"18446744073709551615")), {400, 413}),
    "length 2^63": (post(lengths(b"9223372036854775808")), {400, 413}),
    "length very long": (post(lengths(b"9" * 400)), {400, 413}),
    "length with underscore": (post(b"Content_Length: 5\r\n"), {400, 411}),
    "length with a space in the name": (post(b"Content Length: 5\r\n"), {400}),
    "length with a space before the colon": (post(b"Content-Length : 5\r\n"), {400}),
    "chunked and a length": (post(CHUNKED + lengths(b"4"), HELLO), {400}),
    "length and chunked": (post(lengths(b"4") + CHUNKED, HELLO), {400}),
    "chunked twice": (post(CHUNKED * 2, HELLO), {400}),
    "xchunked": (post(b"Transfer-Encoding: xchunked\r\n", HELLO), {400, 501}),
    "gzip, chunked": (post(b"Transfer-Encoding: gzip, chunked\r\n", HELLO), {400, 501}),
    "chunked, identity": (post(b"Transfer-Encoding: chunked, identity\r\n", HELLO), {400, 501}),
    "identity": (post(b"Transfer-Encoding: identity\r\n" + lengths(b"5")), {400, 501}),
    "chunked in quotes": (post(b'Transfer-Encoding: "chunked"\r\n', HELLO), {400, 501}),
    "chunked with a vertical tab": (post(b"Transfer-Encoding: \x0bchunked\r\n", HELLO), {400, 501}),
    "chunked with a space before the colon": (post(b"Transfer-Encoding : chunked\r\n" + lengths(b"5"), HELLO),
                                              {400}),
    "chunked with underscore": (post(b"Transfer_Encoding: chunked\r\n" + lengths(b"5"), HELLO), {400}),
    "chunked in HTTP/1.0": (post(CHUNKED, HELLO).replace(b"HTTP/1.1", b"HTTP/1.0"), {400}),
    "fold": (get(b"X-A: one\r\n two\r\n"), {400}),
    "fold with a tab": (get(b"X-A: one\r\n\ttwo\r\n"), {400}),
    "fold that forges a length": (post(b"Content-Len: 5\r\n gth\r\n"), {400}),
    "forging, made up for by missing spaces": (
        b"POST /webhook HTTP/1.1\r\nHost:x\r\n" + SIGNED.replace(b": ", b":")
        + b"X-A:b\r\nContent-Len: 5\r\n gth\r\n\r\nhello", {400}),
    "fold in transfer-encoding": (post(b"Transfer-Encoding:\r\n chunked\r\n", HELLO), {400}),
    "fold as the first header": (b"GET /livez HTTP/1.1\r\n X: y\r\n" + HOST + b"\r\n", {400}),
    "bare LF everywhere": (get(b"X-A: b\r\n").replace(b"\r\n", b"\n"), {400}),
    "bare LF after one header": (get(b"X-A: b\nX-C: d\r\n"), {400}),
    "bare LF ends the header": (get().replace(b"x\r\n\r\n", b"x\r\n\n"), {400}),
    "bare CR in a value": (get(b"X-A: b\rX-C: d\r\n"), {400}),
    "CR CR LF": (get(b"X-A: b\r\r\n"), {400}),
    "NUL in a value": (get(b"X-A: ab\0cd\r\n"), {400}),
    "NUL in a name": (get(b"X\0A: b\r\n"), {400}),
    "NUL in the host": (get(host=b"Host: x\0y\r\n"), {400}),
    "no colon": (get(b"nonsense\r\n"), {400}),
    "empty name": (get(b": v\r\n"), {400}),
    "space in a name": (get(b"X A: v\r\n"), {400}),
    "control in a name": (get(b"X\x01A: v\r\n"), {400}),
    "8-bit name": (get(b"X-\xe4: v\r\n"), {400}),
    "bracket in a name": (get(b"X[a]: v\r\n"), {400}),
    "control in a value": (get(b"X-A: a\x01b\r\n"), {400}),
    "delete in a value": (get(b"X-A: a\x7fb\r\n"), {400}),
    "two hosts": (get(b"Host: y\r\n"), {400}),
    "two equal hosts": (get(HOST), {400}),
    "no host": (get(host=b""), {400}),
    "no host in HTTP/1.0": (get(line=b"GET /livez HTTP/1.0", host=b""), {400}),
    "get with a body": (get(lengths(b"5"), body=b"hello"), {400}),
    "get with chunks": (get(CHUNKED, body=HELLO), {400}),
    "head with a body": (get(lengths(b"5"), line=b"HEAD /livez HTTP/1.1", body=b"hello"), {400}),
    "space in the path": (get(line=b"GET /li vez HTTP/1.1"), {400}),
    "two spaces": (get(line=b"GET  /livez HTTP/1.1"), {400, 404}),
    "tab for a space": (get(line=b"GET\t/livez\tHTTP/1.1"), {400, 405, 501}),
    "leading space": (get(line=b" GET /livez HTTP/1.1"), {400, 405, 501}),
    "absolute form": (get(line=b"GET http://evil/livez HTTP/1.1"), {400}),
    "absolute form of ours": (get(line=b"GET http://x/livez HTTP/1.1"), {400}),
    "asterisk": (get(line=b"OPTIONS * HTTP/1.1"), {400, 405}),
    "authority form": (get(line=b"CONNECT x:80 HTTP/1.1"), {400, 405}),
    "no slash": (get(line=b"GET livez HTTP/1.1"), {400}),
    "no path": (get(line=b"GET HTTP/1.1"), {400, 404, 505}),
    "control in the path": (get(line=b"GET /li\x01vez HTTP/1.1"), {400, 404}),
    "8-bit path": (get(line=b"GET /livez\xff HTTP/1.1"), {400, 404}),
    "NUL in the path": (get(line=b"GET /livez\0x HTTP/1.1"), {400, 404}),
    "%00 in the path": (get(b"Connection: close\r\n", line=b"GET /livez%00x HTTP/1.1"), {400, 404}),
    "fragment in the path": (get(b"Connection: close\r\n", line=b"GET /livez#x HTTP/1.1"), {400, 404}),
    "HTTP/2.0": (get(line=b"GET /livez HTTP/2.0"), {400, 505}),
    "HTTP/1.9": (get(line=b"GET /livez HTTP/1.9"), {400, 505}),
    "HTTP/1.01": (get(line=b"GET /livez HTTP/1.01"), {400, 505}),
    "http in small letters": (get(line=b"GET /livez http/1.1"), {400, 505}),
    "no version": (get(line=b"GET /livez"), {400, 505}),
    "TLS on the plain port": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n", {400}),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 405, 505}),
    "chunk size hex": (post(CHUNKED, b"0x5\r\nhello\r\n0\r\n\r\n"), {400, 413}),
    "chunk size negative": (post(CHUNKED, b"-5\r\nhello\r\n0\r\n\r\n"), {400, 413}),
    "chunk size huge": (post(CHUNKED, b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n"), {400, 413}),
    "chunk too long": (post(CHUNKED, b"3\r\nhello\r\n0\r\n\r\n"), {400, 413}),
}

CLOSED = {  # taken for what they are (here: a wrong signature), but never a second request on this connection
    "chunked": post(CHUNKED, HELLO),
    "chunk extension": post(CHUNKED, b"5;a=b\r\nhello\r\n0\r\n\r\n"),
    "chunk extension with NUL": post(CHUNKED, b"5;a\0b\r\nhello\r\n0\r\n\r\n"),
    "chunk extension with a bare LF": post(CHUNKED, b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
    "LF-only chunk lines": post(CHUNKED, b"5\nhello\n0\n\n"),
    "chunk size of many digits": post(CHUNKED, b"0" * 22 + b"5\r\nhello\r\n0\r\n\r\n"),
    "trailers with a length": post(CHUNKED, b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n"),
}


@pytest.fixture
def linked(service):
    return Phone(service).link(Customer(service))


def smuggled(service, phone):
    raw = events.body(events.unlinked(phone.psid))
    return wire.request("POST", "/webhook", [("X-Hub-Signature-256", events.sign(raw, service.secret))], raw)


def send(service, phone, raw):
    with database.unchanged(service):
        answers, closed = wire.talk(service.url, raw + smuggled(service, phone), wait=2.5)
        assert database.holders(service.database, phone.psid), "the request behind it was served"
    assert len(answers) <= 1, f"a second answer: {answers}"
    return answers, closed


@pytest.mark.parametrize("name", REFUSED)
def test_refused_and_closed(service, linked, name):
    raw, statuses = REFUSED[name]
    answers, closed = send(service, linked, raw)
    assert closed, f"left open after {answers}"
    assert not answers or answers[0].status in statuses, answers
    if answers and answers[0].header("x-request-id"):
        assert answers[0].header("connection") == "close"


@pytest.mark.parametrize("name", CLOSED)
def test_answered_once_and_closed(service, linked, name):
    answers, closed = send(service, linked, CLOSED[name])
    assert closed and all(one.status in (400, 403, 413) for one in answers), answers


def test_the_smuggled_request_would_have_worked(service, linked):
    """The control: alone, it does unlink."""
    phone = Phone(service).link(Customer(service))
    answers, _ = wire.talk(service.url, smuggled(service, phone), wait=1)
    assert [one.status for one in answers] == [200] and not database.holders(service.database, phone.psid)


FINE = {
    "no space after colons": b"GET /livez HTTP/1.1\r\nHost:x\r\nX-A:b\r\nConnection:close\r\n\r\n",
    "an empty value": b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: \r\nConnection: close\r\n\r\n",
    "an empty value without space": b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A:\r\nConnection: close\r\n\r\n",
    "a tab in a value": b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: a\tb\r\nConnection: close\r\n\r\n",
    "8-bit value": b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: \xc3\xa4\r\nConnection: close\r\n\r\n",
    "every sign a name may have": (b"GET /livez HTTP/1.1\r\nHost: x\r\n!#$%&'*+-.^_`|~9aZ: b\r\n"
                                   b"Connection: close\r\n\r\n"),
    "host last": b"GET /livez HTTP/1.1\r\nX-A: b\r\nConnection: close\r\nHost: x\r\n\r\n",
    "names in capitals": b"GET /livez HTTP/1.1\r\nHOST: x\r\nCONNECTION: CLOSE\r\n\r\n",
    "HTTP/1.0": b"GET /livez HTTP/1.0\r\nHost: x\r\n\r\n",
    "a query": b"GET /livez?a=b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a host with port": b"GET /livez HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n",
    "an empty line before": b"\r\nGET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("name", FINE)
def test_proper_requests_are_served(service, name):
    answers, closed = wire.talk(service.url, FINE[name])
    assert [one.status for one in answers] == [200] and closed
    assert [one.status for one in wire.talk(service.url, FINE[name], pieces=1)[0]] == [200], "byte by byte"
