"""Forms are taken from our own pages only, in the browser they were made for."""

import secrets

import pytest

from harness import database
from harness.phone import Customer, Phone
from simulator import events


@pytest.fixture
def at_login(phone):
    phone.open()
    return phone


@pytest.fixture
def at_consent(customer, phone):
    phone.open()
    assert phone.login(customer.email, customer.password).status == 200
    return phone


def foreign_cookie(service):
    other = Phone(service)
    other.open()
    return other.cookies


BAD_ORIGINS = ["null", "https://evil.example", "http://127.0.0.1", "http://127.0.0.1:1", "https://127.0.0.1",
               "", "{o}.evil.example", "{o}/", "x{o}"]


@pytest.mark.parametrize("origin", BAD_ORIGINS)
def test_another_origin_is_403(service, customer, at_login, origin):
    given = origin.replace("{o}", service.url)
    with database.unchanged(service):
        answer = at_login.login(customer.email, customer.password, {"Origin": given})
        assert answer.status == 403 and answer.is_page
    assert "start again" in answer.page.text.lower() or "again" in answer.page.text.lower()


@pytest.mark.parametrize("path", ["/link/confirm", "/link/cancel"])
@pytest.mark.parametrize("origin", ["null", "https://evil.example"])
def test_another_origin_cannot_consent(service, at_consent, path, origin):
    with database.unchanged(service):
        answer = at_consent.press(path, {"Origin": origin})
    assert answer.status == 403 and answer.header("location") is None


def test_no_origin_is_fine(customer, at_login):
    assert at_login.login(customer.email, customer.password, {"Origin": None}).status == 200
    assert at_login.connect({"Origin": None}).status == 303


def spoil(phone, service, how):
    name, value = next(iter(phone.cookies.items()))
    phone.cookies = {
        "none": {}, "foreign": foreign_cookie(service), "other name": {"x": value}, "empty": {name: ""},
        "random": {name: secrets.token_urlsafe(32)}, "cut": {name: value[:-1]}, "longer": {name: value + "A"},
        "capitals": {name.upper(): value}, "rubbish": {name: "%00'\"<>"},
    }[how]


COOKIES = ["none", "foreign", "other name", "empty", "random", "cut", "longer", "capitals", "rubbish"]


@pytest.mark.parametrize("how", COOKIES)
def test_login_needs_the_cookie_of_its_page(service, customer, at_login, how):
    spoil(at_login, service, how)
    with database.unchanged(service):
        assert at_login.login(customer.email, customer.password).status == 403


@pytest.mark.parametrize("how", COOKIES)
@pytest.mark.parametrize("path", ["/link/confirm", "/link/cancel"])
def test_consent_needs_the_cookie_of_its_page(service, at_consent, path, how):
    spoil(at_consent, service, how)
    with database.unchanged(service):
        answer = at_consent.press(path)
    assert answer.status == 403 and answer.header("location") is None


def test_two_cookies_of_the_name_are_none(service, customer, at_login):
    name, value = next(iter(at_login.cookies.items()))
    doubled = {"Cookie": f"{name}={value}; {name}={value}"}
    assert at_login.login(customer.email, customer.password, doubled).status == 403


def sealed(page, path):
    """Name and value of the sealed field of the form that leads there."""
    _, fields = page.submit(path)
    return max(fields.items(), key=lambda item: len(item[1]))


SPOIL_TOKEN = {
    "cut": lambda t: t[:-1], "longer": lambda t: t + "A", "empty": lambda t: "",
    "rubbish": lambda t: "x" * len(t),
    "padding": lambda t: t + "=", "capitals": lambda t: t.swapcase(),
    "flipped": lambda t: t[:60] + ("A" if t[60] != "A" else "B") + t[61:],
    "first": lambda t: ("A" if t[0] != "A" else "B") + t[1:],
}


@pytest.mark.parametrize("how", SPOIL_TOKEN)
def test_a_spoiled_state_is_403(service, customer, at_login, how):
    name, value = sealed(at_login.last.page, "/link/login")
    with database.unchanged(service):
        assert at_login.login(customer.email, customer.password,
                              **{name: SPOIL_TOKEN[how](value)}).status == 403


@pytest.mark.parametrize("how", SPOIL_TOKEN)
def test_a_spoiled_consent_is_403(service, at_consent, how):
    target, fields = at_consent.last.page.submit("/link/confirm")
    name, value = sealed(at_consent.last.page, "/link/confirm")
    with database.unchanged(service):
        assert at_consent.post(target, {**fields, name: SPOIL_TOKEN[how](value)}).status == 403


def test_a_token_of_another_kind_is_403(service, customer, at_login):
    state = sealed(at_login.last.page, "/link/login")
    consent_page = at_login.login(customer.email, customer.password).page
    target, fields = consent_page.submit("/link/confirm")
    consent = sealed(consent_page, "/link/confirm")
    with database.unchanged(service):
        assert at_login.post(target, {**fields, consent[0]: state[1]}).status == 403
        login = {state[0]: consent[1], "email": customer.email, "password": customer.password}
        assert at_login.post("/link/login", login).status == 403


def test_an_authorization_code_is_no_consent_and_a_consent_is_no_code(service, at_consent):
    consent = sealed(at_consent.last.page, "/link/confirm")
    at_consent.connect()
    with database.unchanged(service):
        assert at_consent.post("/link/confirm", {consent[0]: at_consent.code}).status == 403
        assert at_consent.tell(events.linked(at_consent.psid, consent[1])).status == 200


def test_the_state_of_another_service_is_403(make_service, service, customer, at_login):
    other = make_service(LINKD_SEAL_KEY=secrets.token_hex(32))
    name, value = sealed(at_login.last.page, "/link/login")
    stranger = Phone(other)
    stranger.cookies = at_login.cookies
    with database.unchanged(other):
        fields = {name: value, "email": customer.email, "password": customer.password}
        assert stranger.post("/link/login", fields).status == 403


def test_the_same_seal_key_serves_the_next_step(make_service):
    """Any instance can serve any step."""
    key = secrets.token_hex(32)
    one = make_service(LINKD_SEAL_KEY=key)
    two = make_service(LINKD_SEAL_KEY=key + "," + secrets.token_hex(32), LINKD_STORE=f"sqlite:{one.database}",
                       LINKD_APP_SECRET=one.secret)
    two.secret = one.secret
    customer = Customer(one)
    phone = Phone(one)
    phone.open()
    phone.service, phone.origin = two, two.url
    assert phone.login(customer.email, customer.password).status == 200
    phone.service, phone.origin = one, one.url
    assert phone.connect().status == 303
    phone.service = two
    assert phone.tell().status == 200
    assert database.holders(one.database, phone.psid) == [customer.id]
