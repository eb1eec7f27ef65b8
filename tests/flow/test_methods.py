"""Methods, unknown paths, types and lengths of bodies."""

import pytest

from harness import client, database, metrics, wire

GETS = ["/webhook", "/link", "/healthz", "/livez", "/readyz"]
POSTS = ["/webhook", "/link/login", "/link/confirm", "/link/cancel"]
FORMS = POSTS[1:]


def allowed(answer):
    return {one.strip() for one in answer.header("allow").split(",")}


@pytest.mark.parametrize("path", ["/", "/nothing", "/link/", "/links", "/webhook/", "/LINK", "/link/login/x",
                                  "/v1/links/1", "/metrics",
                                  "/link/../link", "/%6cink", "//link", "/api/login", "/link/callback",
                                  "/favicon.ico"])
def test_unknown_paths_are_404(service, path):
    assert client.get(service.url + path).status == 404


def right_methods(path):
    return ({"GET", "HEAD"} if path in GETS else set()) | ({"POST"} if path in POSTS else set())


WRONG = [(method, path) for path in sorted({*GETS, *POSTS}) for method in (
    "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO", "GET", "POST",
    "get") if method not in right_methods(path)]


@pytest.mark.parametrize("method,path", WRONG)
def test_405_names_what_is_allowed(service, method, path):
    answers, _ = wire.talk(service.url, wire.request(method, path, [("Connection", "close")]))
    assert [one.status for one in answers] in ([405], [400]), "400 where the guard does not know the method"
    if answers[0].status == 405:
        assert allowed(answers[0]) == right_methods(path)


@pytest.mark.parametrize("path,method", [("/link", "PUT"), ("/link", "POST"), ("/webhook", "DELETE"),
                                         ("/link/login", "GET"), ("/healthz", "POST")])
def test_405_for_well_known_methods(service, path, method):
    answer = client.call(method, service.url + path)
    assert answer.status == 405 and answer.header("allow")
    if path.startswith("/link"):
        assert "cannot be opened by itself" in answer.text, "for people"


@pytest.mark.parametrize("path", GETS)
def test_head_is_get_without_the_body(service, path):
    get = client.get(service.url + path)
    answers, closed = wire.talk(service.url, wire.request("HEAD", path, [("Connection", "close")]))
    assert closed and [one.status for one in answers] == [get.status]
    assert answers[0].header("content-type") == get.header("content-type")
    if path != "/readyz":
        assert answers[0].header("content-length") == get.header("content-length")


def test_head_sends_no_byte_of_body(service):
    sock = wire.connect(service.url)
    sock.sendall(wire.request("HEAD", "/healthz", [("Connection", "close")]))
    got, closed = wire.read_all(sock)
    sock.close()
    assert closed and got.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_length_is_411(service, path):
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {client.FORM}\r\n"
    for rest in ("Transfer-Encoding: chunked\r\n\r\n5\r\na=b&c\r\n0\r\n\r\n", "\r\n"):
        with database.unchanged(service):
            answers, closed = wire.talk(service.url, (head + rest).encode())
        assert [one.status for one in answers] == [411] and closed


@pytest.mark.parametrize("path", FORMS)
def test_a_form_over_8_kib_is_413(service, path):
    with database.unchanged(service):
        assert client.post_form(service.url + path, "a=" + "b" * 8191).status == 413
    announced = wire.request("POST", path, [("Content-Type", client.FORM), ("Content-Length", "99999999999")],
                             length=False)
    answers, closed = wire.talk(service.url, announced)
    assert [one.status for one in answers] == [413] and closed


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x",
                                  "application/x-www-form-urlencodedx", "", None,
                                  "application/xml"])
@pytest.mark.parametrize("path", FORMS)
def test_another_type_is_415(service, path, kind):
    headers = {"Content-Type": kind} if kind is not None else {}
    with database.unchanged(service):
        assert client.call("POST", service.url + path, b"a=b", headers).status == 415


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded; charset=utf-8",
                                  "Application/X-WWW-Form-Urlencoded"])
def test_the_type_may_have_capitals_and_parameters(customer, phone, kind):
    phone.open()
    assert phone.login(customer.email, customer.password, {"Content-Type": kind}).status == 200


def test_a_long_uri_is_414_by_us(service):
    for length, status in ((8000, 400), (8300, 414), (15000, 414)):
        path = "/link?account_linking_token=" + "a" * (length - 28)
        answer = client.get(service.url + path)
        assert answer.status == status, length


@pytest.mark.parametrize("extra", [{"X-Long": "a" * 16500}, {f"X-{n}": "v" * 60 for n in range(300)},
                                   {"Cookie": "a=" + "b" * 17000}])
def test_large_headers_are_431_by_us(service, extra):
    answers, closed = wire.talk(service.url, wire.request("GET", "/healthz", list(extra.items())))
    assert [one.status for one in answers] == [431] and closed
    assert answers[0].header("x-request-id"), "ours, not the library's bare one"


def test_headers_below_the_limit_are_fine(service):
    assert client.get(service.url + "/healthz", {"X-Long": "a" * 12000}).status == 200


def test_a_body_on_get_is_400(service):
    answers, closed = wire.talk(service.url, wire.request("GET", "/healthz", body=b"hello"))
    assert [one.status for one in answers] == [400] and closed


def test_keep_alive_serves_more_than_one(service):
    one = wire.request("GET", "/healthz")
    sock = wire.connect(service.url)
    sock.sendall(one * 3 + wire.request("GET", "/healthz", [("Connection", "close")]))
    got, closed = wire.read_all(sock)
    sock.close()
    assert [one.status for one in wire.split_answers(got)] == [200] * 4 and closed


def ask(sock):
    """-> whether it was answered with 200, whether the connection stays"""
    sock.sendall(wire.request("GET", "/healthz"))
    answer = sock.recv(4096)
    return answer.startswith(b"HTTP/1.1 200 "), b"\r\nConnection: close\r\n" not in answer


def asked(service):
    sock = wire.connect(service.url)
    return sock, ask(sock)


def test_only_so_many_idle_connections_are_kept(make_service):
    service, most = make_service(LINKD_WORKERS="1"), 256
    made = [asked(service) for _ in range(most + 20)]
    assert [told for _, told in made] == [(True, True)] * most + [(True, False)] * 20
    assert metrics.value(service, "linkd_http_connections_not_kept_total") == 20
    assert made[-1][0].recv(1) == b"", "closed"
    assert ask(made[most - 1][0]) == (True, True), "kept"
    made[0][0].close()
    assert any(asked(service)[1] == (True, True) for _ in range(50)), "the place is free again"
    for sock, _ in made:
        sock.close()
