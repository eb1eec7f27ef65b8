"""Clients that drip, stall, flood and never read: a second client is served throughout, and each of them ends."""
import resource
import ssl

import pytest

from conftest import FULL
from harness import metrics
from hostile.crowd import Manner
from hostile.scene import LATE_S, N, TIMES

# a client that pipelines is served until nothing more goes out to it: only then its time begins
PIPELINE_S = 10 if FULL else 1
HEADER_S, SEND_S, IDLE_S, WEBHOOK_S, PAGE_S = (10, 30, 75, 4.5, 10) if FULL else (1, 2, 3, 1.5, 10)

HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
PAGE = b"GET /link HTTP/1.1\r\nHost: x\r\n\r\n"
SIGNED = b"POST /webhook HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256=" + b"0" * 64 + b"\r\n"
BODY = SIGNED + b"Content-Length: 100000\r\n\r\n"
CHUNKS = SIGNED + b"Transfer-Encoding: chunked\r\n\r\n"
FORM = (b"POST /link/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: 8000\r\n\r\n")


def tls_hello():
    """What a browser says first to a port it takes for TLS."""
    out = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="link.example.com")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read()


# manner, and the seconds within which it must be gone
DRIP_S = 4.0 if FULL else 0.4  # below the time after which others give up an idle connection
ATTACKS = {
    "drips a header": (Manner(HEAD + b"X-A: ", b"a", DRIP_S), HEADER_S),
    "drips header lines": (Manner(HEAD, b"X-A: b\r\n", DRIP_S), HEADER_S),
    "drips a body": (Manner(BODY, b" ", DRIP_S), WEBHOOK_S),
    "drips chunks": (Manner(CHUNKS, b"1\r\n \r\n", DRIP_S), WEBHOOK_S),
    "drips a form": (Manner(FORM, b"a", DRIP_S), PAGE_S),
    "says nothing": (Manner(), HEADER_S),
    "half a header, then FIN": (Manner(HEAD, then="fin"), HEADER_S),
    "half a body, then FIN": (Manner(BODY + b"{", then="fin"), WEBHOOK_S),
    "half a body, then RST": (Manner(BODY + b"{", then="rst", again=True), WEBHOOK_S),
    "idle after a request": (Manner(HEAD + b"\r\n"), IDLE_S),
    "reads 1 byte/s": (Manner(PAGE * 200, every_s=1, read=1, few=True), SEND_S + PIPELINE_S),
    "pipelines and never reads": (Manner(PAGE * 200, PAGE * 200, 0.05, read=0, few=True), SEND_S + PIPELINE_S),
    "TLS on the plain port": (Manner(tls_hello()), HEADER_S),
}


def rounds():
    """One manner after another in the long run; all together in the short one, but what takes a page's 10 s."""
    return [[name] for name in ATTACKS] if FULL else [[name for name in ATTACKS if ATTACKS[name][1] < PAGE_S]]


@pytest.mark.parametrize("names", rounds(), ids=lambda names: names[0])
def test_every_one_is_gone_after_its_deadline(scene, names):
    at = scene(**TIMES)
    crowd = at.attack([ATTACKS[name][0] for name in names], 1)
    at.end(names[0] if len(names) == 1 else f"{len(names)} manners", max(ATTACKS[name][1] for name in names), crowd)
    oldest = {name: at.oldest_of(crowd, ATTACKS[name][0]) for name in names}
    print("oldest: " + ", ".join(f"{name} {age:.1f} s" for name, age in oldest.items() if age is not None))
    assert crowd.opened >= N * len(names) // 10 and not crowd.failed
    for name in names:  # those that end at once may never have been seen
        assert (oldest[name] or 0) < ATTACKS[name][1] + LATE_S, name


LIMIT = 512 if FULL else 64
FLOODS = {
    "from one address": ("127.0.0.1",),
    "from many addresses": tuple(f"127.0.1.{n}" for n in range(1, 255)),
}


@pytest.mark.parametrize("sources", FLOODS)
def test_a_flood_over_the_limit(scene, sources):
    """Never-ending requests, each replaced as soon as it ends: at the limit the oldest makes room."""
    at = scene(LINKD_MAX_CONNECTIONS=str(LIMIT), **TIMES)
    manners = [Manner(HEAD + b"X-A: ", b"a", 0.3, again=True), Manner(BODY, b" ", 0.3, again=True), Manner(again=True)]
    crowd = at.attack(manners, 20 if FULL else 1.5, LIMIT, FLOODS[sources])
    assert metrics.value(at.service, "linkd_http_connections") <= 2 * (LIMIT + 64), "some may be on their way out"
    crowd.stop()
    at.end(f"flood {sources}, limit {LIMIT} a loop", HEADER_S, crowd)
    assert metrics.value(at.service, "linkd_http_connections_evicted_total") > 0


def test_a_flood_from_one_address_with_a_limit_for_each(scene):
    at = scene(LINKD_MAX_CONNECTIONS_PER_ADDRESS="20", **TIMES)
    crowd = at.attack([Manner(HEAD, b"X-A: b\r\n", 0.3)], 0.5)
    crowd.stop()
    at.end("flood with 20 for each address", HEADER_S, crowd)
    assert at.watch.most <= 2 * 20 + 4


@pytest.mark.parametrize("addresses,in_flight,most", [(1, 64, 1784), (1, 512, 1336), (3, 64, 504)])
def test_descriptors_are_shared_out(make_service, addresses, in_flight, most):
    """Each address may have as many connections, and there is one to the store for every call."""
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (2048, 2048))
    service = make_service(start=False, LINKD_WORKERS="1", LINKD_STORE_IN_FLIGHT=str(in_flight),
                           LINKD_LISTEN=",".join(["127.0.0.1:0"] * addresses))
    service.start(preexec_fn=few)
    assert service.logged(lambda line: line["msg"] == "fewer_connections")["max_connections"] == most


def test_fewer_descriptors_than_connections(scene):
    """The limit follows: no connection takes the last descriptor."""
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))
    at = scene(start={"preexec_fn": few}, LINKD_WORKERS="1", **TIMES)
    crowd = at.attack([Manner(HEAD, b"X-A: b\r\n", 0.3, again=True)], 20 if FULL else 1.5, 1000)
    assert at.watch.peak["fds"] < 500
    crowd.stop()
    at.end("flood with 512 descriptors", HEADER_S, crowd)
    assert at.service.logged(lambda line: line["msg"] == "fewer_connections")["max_connections"] == 248
