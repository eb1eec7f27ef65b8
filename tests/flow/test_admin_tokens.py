"""Admin tokens with names, tokens for look-ups, guesses; Host on loopback; what other sites may load."""

import secrets
import time

import pytest

from harness import canary, client, database, metrics, wire
from harness.phone import Customer, Phone

ROUTES = [("GET", "/v1/links/{psid}", "link_show"), ("HEAD", "/v1/links/{psid}", "link_show"),
          ("GET", "/v1/customers/{id}/links", "customer_links"),
          ("DELETE", "/v1/links/{psid}", "link_remove"), ("DELETE", "/v1/customers/{id}/links", "customer_erase")]
OPS, READ = (canary.secret(kind + secrets.token_hex(16), "admin token") for kind in ("ops-", "read-"))


@pytest.fixture(scope="module")
def service(binary, tmp_path_factory):
    from harness.service import Service
    running = Service(tmp_path_factory.mktemp("linkd"), LINKD_ADMIN_TOKEN=f"ops={OPS}, dash:read={READ}").start()
    yield running
    running.stop()


def told(service, **fields):
    """An audit line with these fields, waited for."""
    return service.logged(lambda line: line["msg"] == "audit" and fields.items() <= line.items())


def call(service, method, path, token, address, **headers):
    given = {"X-Forwarded-For": address, **headers}
    if token is not None:
        given["Authorization"] = token if " " in token else "Bearer " + token
    return client.call(method, service.admin + path, None, given)


@pytest.mark.parametrize("method,path,action", ROUTES)
def test_every_route_with_every_kind_of_token(service, method, path, action):
    customer, phone = Customer(service), Phone(service)
    phone.link(customer)
    path = path.replace("{psid}", phone.psid).replace("{id}", customer.id)
    address = "192.0.2." + str(secrets.randbelow(256))
    wrong = [None, "", "x", OPS[:-1], OPS + "x", "ops=" + OPS, "dash:read=" + READ, "Basic " + OPS, OPS.upper()]
    with database.unchanged(service):
        for token in wrong:
            answer = call(service, method, path, token, address)
            assert answer.status == 401 and answer.header("www-authenticate").startswith("Bearer")
        refused = call(service, method, path, READ, address)
    if method == "DELETE":
        assert refused.status == 403 and "look-ups only" in refused.json["detail"]
        assert told(service, action="admin", actor="dash", result="refused", reason="read_only_token")
    else:
        assert refused.status == 200
        assert told(service, action=action, actor="dash", result="done")
    assert call(service, method, path, OPS, address).status in (200, 204)
    assert told(service, action=action, actor="ops", result="done")
    if method == "DELETE":
        assert told(service, action="link", way="admin", actor="ops", result="removed")


def test_guesses_are_slowed_and_a_right_token_is_not(service):
    before = metrics.value(service, 'linkd_admin_refused_total{reason="wrong_token"}')
    address, times = "203.0.113.5", []
    for _ in range(14):
        began = time.monotonic()
        assert call(service, "GET", "/v1/links/1", "x" * 32, address).status == 401
        times.append(time.monotonic() - began)
    assert min(times[10:]) >= 0.24 > min(times[:10])
    began = time.monotonic()
    assert call(service, "GET", "/v1/customers/nobody/links", READ, address).status == 404
    right = time.monotonic() - began
    assert right < min(times[10:])
    assert metrics.value(service, 'linkd_admin_refused_total{reason="wrong_token"}') == before + 14


def test_one_token_without_a_name_is_called_admin(make_service):
    service = make_service()
    assert client.admin(service, "GET", "/v1/links/1").status == 404
    assert told(service, action="link_show", actor="admin")


LOOPBACK = ["localhost", "localhost:9464", "LOCALHOST:1", "127.0.0.1", "127.9.8.7:9464", "[::1]", "[::1]:9464"]
OTHERS = ["evil.example", "evil.example:9464", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1",
          "[::2]", "0.0.0.0", "127.1", "localhost:", "localhost:99999", "localhost@evil.example", "x" * 300]


@pytest.mark.parametrize("path", ["/metrics", "/v1/links/1", "/nothing"])
def test_only_loopback_names_on_a_loopback_listener(service, path):
    before = metrics.value(service, 'linkd_admin_refused_total{reason="host"}')
    for host in LOOPBACK + OTHERS:
        raw = wire.request("GET", path, [("Authorization", "Bearer " + READ), ("Connection", "close")])
        raw = b"\r\n".join(b"Host: " + host.encode() if line.lower().startswith(b"host:") else line
                           for line in raw.split(b"\r\n"))
        answers, _ = wire.talk(service.admin, raw)
        wanted = {"/metrics": 200}.get(path, 404) if host in LOOPBACK else 421
        assert [one.status for one in answers] == [wanted] or (host in OTHERS and answers[0].status == 400), host
    assert metrics.value(service, 'linkd_admin_refused_total{reason="host"}') >= before + 8


def test_any_name_on_another_listener(make_service):
    service = make_service(LINKD_ADMIN_LISTEN="0.0.0.0:0")
    raw = b"GET /metrics HTTP/1.1\r\nHost: metrics.internal\r\nConnection: close\r\n\r\n"
    answers, _ = wire.talk(service.admin.replace("0.0.0.0", "127.0.0.1"), raw)
    assert [one.status for one in answers] == [200]


def test_other_sites_may_load_neither_pages_nor_the_admin_api(service):
    phone = Phone(service)
    page = phone.open()
    style = client.get(service.url + next(word.split('"')[0] for word in page.text.split('href="')
                                          if word.startswith("/link/style")))
    answers = [page, style, client.get(service.url + "/link"), client.get(service.admin + "/metrics"),
               client.get(service.admin + "/nothing"), call(service, "GET", "/v1/links/1", READ, "192.0.2.1"),
               call(service, "GET", "/v1/links/1", "x", "192.0.2.1")]
    assert [one.header("cross-origin-resource-policy") for one in answers] == ["same-origin"] * 7
