"""Header rules on purpose; on every other answer the linter looks by itself."""

import re

from harness import client
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
