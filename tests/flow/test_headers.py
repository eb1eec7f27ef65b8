"""Header rules on purpose; on every other answer the linter looks by itself."""

import contextlib
import re
import time
import urllib.parse

import pytest

from harness import client, lint, wire
from harness.phone import Customer, Phone

HTTPS = "https://link.example.com"


def policy(answer):
    parts = (one.strip().partition(" ") for one in answer.header("content-security-policy").split(";"))
    return {name: rest for name, _, rest in parts if name}


def test_only_consent_lets_the_browser_go_on_to_facebook(customer, phone):
    assert policy(phone.open())["form-action"] == "'self'"
    rule = policy(phone.login(customer.email, customer.password))["form-action"]
    assert rule.split(" ")[0] == "'self'" and {"https:", "fb-messenger:", "intent:"} <= set(rule.split(" "))


def test_error_pages_have_the_policy_too(service, phone):
    for answer in (phone.get("/link"), phone.get("/nothing"), phone.post("/link/login", "x=y")):
        assert answer.status >= 400
        if answer.is_page:
            assert policy(answer)["frame-ancestors"] == "'none'"


def test_request_ids_are_fresh(service):
    found = {client.get(service.url + "/healthz").header("x-request-id") for _ in range(20)}
    assert len(found) == 20 and all(re.fullmatch(r"[0-9a-f]{16}", one) for one in found)


def test_a_callers_id_is_taken_from_a_proxy_only(service, make_service):
    given = {"X-Request-Id": "caller-id_0.1"}
    assert client.get(service.url + "/healthz", given).header("x-request-id") == "caller-id_0.1"
    for bad in ("short", "x" * 65, "with space 123", "semi;colon;123", "ümlaut-12345"):
        answer = client.get(service.url + "/healthz", {"X-Request-Id": bad.encode("latin-1")})
        assert answer.status == 200 and re.fullmatch(r"[0-9a-f]{16}", answer.header("x-request-id"))
    direct = make_service(LINKD_TRUSTED_PROXIES=None)
    assert re.fullmatch(r"[0-9a-f]{16}", client.get(direct.url + "/healthz", given).header("x-request-id"))


def test_a_public_https_address_makes_everything_secure(make_service):
    service = make_service(LINKD_PUBLIC_URL=HTTPS)
    phone, customer = Phone(service, https_origin=HTTPS), Customer(service)
    assert phone.open().status == 200 and list(phone.cookies) == ["__Host-linkd"]
    assert phone.login(customer.email, customer.password).status == 200
    assert phone.connect().status == 303
    assert phone.open().status == 200
    assert phone.login(customer.email, customer.password, {"Origin": service.url}).status == 403
    assert client.get(service.url + "/nothing", https=True).status == 404
    hsts = client.get(service.url + "/healthz", https=True).header("strict-transport-security")
    assert int(re.search(r"max-age=(\d+)", hsts).group(1)) >= 31536000


def test_the_plain_cookie_name_does_not_count_on_https(make_service):
    service = make_service(LINKD_PUBLIC_URL=HTTPS)
    phone, customer = Phone(service, https_origin=HTTPS), Customer(service)
    phone.open()
    phone.cookies = {"linkd": phone.cookies["__Host-linkd"]}
    assert phone.login(customer.email, customer.password).status == 403


def test_no_url_comes_from_the_host_header(customer, phone):
    host = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    opened = phone.get(phone.address_of_link(), host)
    assert "evil.example" not in opened.text + str(opened.headers)
    assert opened.status in (200, 400)


def test_a_valid_cookie_is_kept(phone):
    phone.open()
    before = dict(phone.cookies)
    phone.open()
    assert phone.cookies == before


def test_brand_and_links_are_escaped_and_shown(make_service):
    service = make_service(LINKD_BRAND_NAME="Müller & <Söhne>",
                           LINKD_PRIVACY_URL="https://example.com/p?a=1&b=2",
                           LINKD_SIGNUP_URL="https://example.com/join",
                           LINKD_FORGOT_URL="https://example.com/forgot")
    page = Phone(service).open().page
    assert "Müller & <Söhne>" in page.text
    assert {"https://example.com/p?a=1&b=2", "https://example.com/join",
            "https://example.com/forgot"} <= set(page.links)


def spoken(service, *pieces, pause=0.0):
    """Bytes on one connection, with a pause between -> what came back, seen by the linter as on https."""
    with contextlib.closing(wire.connect(service.url)) as sock:
        for piece in pieces:
            with contextlib.suppress(ConnectionError):
                sock.sendall(piece)
            time.sleep(pause)
        answers = wire.split_answers(wire.read_all(sock, 5)[0])
    for one in answers:
        lint.check("RAW", "/webhook", one.status, one.headers, one.body.decode(), https=True)
    return answers


SIGNED = b"POST /webhook HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256=" + b"0" * 64 + b"\r\n"


def test_answers_while_a_request_still_comes_have_every_header(make_service):
    """413, 408 and 503 are written past libmicrohttpd then."""
    service = make_service(LINKD_PUBLIC_URL=HTTPS, LINKD_WEBHOOK_MAX_BODY="1048576", LINKD_WEBHOOK_BODY_BUDGET="1048576",
                           LINKD_WEBHOOK_DEADLINE_MS="1000", LINKD_HEADER_TIMEOUT="1")
    chunks = SIGNED + b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b"x" * 65536 + b"\r\n"
    found = {"too large": spoken(service, chunks, *[b"10000\r\n" + b"x" * 65536 + b"\r\n"] * 15, b"1\r\n", b"x\r\n", pause=0.01),
             "slow body": spoken(service, SIGNED + b"Content-Length: 9\r\n\r\nx"),
             "slow head": spoken(service, SIGNED),
             "trusted proxy's id": spoken(service, SIGNED + b"X-Request-Id: " + b"i" * 40 + b"\r\nContent-Length: 9\r\n\r\nx")}
    with contextlib.closing(wire.connect(service.url)) as slow:
        body = b" " * 900_000
        slow.sendall(SIGNED + b"Content-Length: 900001\r\n\r\n" + body)
        time.sleep(0.2)
        answers = spoken(service, SIGNED + b"Content-Length: 900000\r\nConnection: close\r\n\r\n" + body)
        assert [one.status for one in answers] == [403]
        slow.sendall(b" ")
        found["cut body"] = wire.split_answers(wire.read_all(slow, 5)[0])
    assert {name: [one.status for one in answers] for name, answers in found.items()} == {
        "too large": [413], "slow body": [408], "slow head": [408], "trusted proxy's id": [408], "cut body": [503]}
    for name, (one,) in found.items():
        assert one.header("content-type") == "application/problem+json" and one.header("connection") == "close", name
        assert one.header("strict-transport-security"), name
    assert found["trusted proxy's id"][0].header("x-request-id") == "i" * 40
    assert found["cut body"][0].header("retry-after") == "1"


# --- headers in several lines: lists are joined, what may stand once only is refused or left alone

def lines_of_cookies(phone, extra):
    """The cookies of the flow among others, a line for each."""
    ours = [f"{name}={value}" for name, value in phone.cookies.items()]
    return [("Cookie", one) for one in extra[:1] + ours + extra[1:]]


@pytest.mark.parametrize("extra", [["a=1"], ["a=1", "b=2; c=3"], ["a=1", "b=2", "c=3", "d=4; e=5", "_fbp=fb.1.2"]], ids=len)
def test_a_login_with_cookies_in_several_lines(service, customer, phone, extra):
    assert phone.open().status == 200
    for path, fields in (("/link/login", {"email": customer.email, "password": customer.password}), ("/link/confirm", {})):
        target, form = phone.last.page.submit(path)
        body = urllib.parse.urlencode({**form, **fields}).encode()
        head = [("Content-Type", client.FORM), ("Origin", phone.origin), ("Connection", "close"), *lines_of_cookies(phone, extra)]
        (answer,), _ = wire.talk(service.url, wire.request("POST", target, head, body, host=urllib.parse.urlsplit(service.url).netloc))
        phone._seen(client.Response(answer.status, answer.headers, answer.body))
    assert answer.status == 303 and "authorization_code=" in answer.header("location")


def test_the_cookie_twice_is_not_taken(service, customer, phone):
    """In one line or in two."""
    assert phone.open().status == 200
    (name, value), = phone.cookies.items()
    target, form = phone.last.page.submit("/link/login")
    body = urllib.parse.urlencode({**form, "email": customer.email, "password": customer.password}).encode()
    for cookies in ([f"{name}={value}", f"{name}={value}"], [f"{name}={value}; {name}=x"], [f"{name}=x", f"a=1; {name}={value}"]):
        head = [("Content-Type", client.FORM), ("Connection", "close"), *(("Cookie", one) for one in cookies)]
        (answer,), _ = wire.talk(service.url, wire.request("POST", target, head, body, host=urllib.parse.urlsplit(service.url).netloc))
        assert answer.status == 403, cookies


SIGNATURE = "sha256=" + "0" * 64
LINES = {  # request, its headers, and the status
    "Accept": (("GET", "/nothing", [("Accept", "text/html"), ("Accept", "image/png")]), 404),
    "X-Request-Id": (("GET", "/healthz", [("X-Request-Id", "first-id-1"), ("X-Request-Id", "second-id-2")]), 200),
    "traceparent": (("GET", "/healthz", [("traceparent", "00-" + "1" * 52)] * 2), 200),
    "X-Forwarded-For": (("GET", "/healthz", [("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-For", "192.0.2.2")]), 200),
    "unknown": (("GET", "/healthz", [("X-Any", "1"), ("X-Any", "2"), ("Via", "1.1 a"), ("Via", "1.1 b")]), 200),
    "Host": (("GET", "/healthz", [("Host", "x")]), 400),
    "Content-Length": (("POST", "/webhook", [("X-Hub-Signature-256", SIGNATURE), ("Content-Length", "0"), ("Content-Length", "0")]), 400),
    "Transfer-Encoding": (("POST", "/webhook", [("X-Hub-Signature-256", SIGNATURE)] + [("Transfer-Encoding", "chunked")] * 2), 400),
    "X-Hub-Signature-256": (("POST", "/webhook", [("X-Hub-Signature-256", SIGNATURE)] * 2 + [("Content-Length", "0")]), 403),
    "Content-Type": (("POST", "/link/login", [("Content-Type", client.FORM)] * 2 + [("Content-Length", "0")]), 415),
    "Origin": (("POST", "/link/login", [("Content-Type", client.FORM), ("Content-Length", "0")] + [("Origin", "http://127.0.0.1")] * 2), 403),
}


@pytest.mark.parametrize("name", LINES)
def test_every_header_we_read_in_two_lines(service, name):
    (method, target, head), status = LINES[name]
    raw = wire.request(method, target, [*head, ("Connection", "close")], length=False)
    (answer,), _ = wire.talk(service.url, raw)
    assert answer.status == status
    assert name != "Accept" or answer.header("content-type").startswith("text/html"), "both lines are one list"
    assert answer.header("x-request-id") not in ("first-id-1", "second-id-2")
