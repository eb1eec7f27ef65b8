"""Who may log in, and what a wrong try tells: nothing."""

import contextlib
import html
import re
import time
import urllib.parse

import pytest

from harness import database, wire
from harness.phone import Customer, Phone

MASKED = "x" * 8


def try_login(service, email, password):
    """-> response, seconds from sending to the answer."""
    phone = Phone(service)
    phone.open()
    began = time.monotonic()
    return phone.login(email, password), time.monotonic() - began


def shape(response, email):
    """The answer without what must differ: tokens, ids, and what was typed."""
    text = response.text.replace(email, MASKED).replace(response.header("x-request-id"), MASKED)
    for form in response.page.forms:
        for value in form.fields.values():
            text = text.replace(value, MASKED) if value else text
    names = sorted(name.lower() for name, _ in response.headers if name.lower() not in ("set-cookie", "date"))
    return response.status, names, text


def test_unknown_and_known_look_and_last_alike(service, customer):
    known, known_s = try_login(service, customer.email, "wrong-password-1")
    stranger = customer.email.replace("mail-", "nope-")
    unknown, unknown_s = try_login(service, stranger, "wrong-password-1")
    assert shape(known, customer.email) == shape(unknown, stranger)
    assert known.status == 401
    assert len(known.body) == len(unknown.body)
    assert known_s >= 0.59 and unknown_s >= 0.59
    assert max(known_s, unknown_s) < 1.5


# What a phone's keyboard would change in what is typed: the first letter, a word it does not know, an apostrophe.
AS_TYPED = {"autocapitalize": "none", "autocorrect": "off", "spellcheck": "false"}


def test_no_keyboard_changes_what_is_typed(service):
    page = Phone(service).open().page
    form, = page.forms
    typed = {name: given for name, given in form.attributes.items() if form.types[name] != "hidden"}
    assert set(typed) == {"email", "password"}
    for given in typed.values():
        assert AS_TYPED.items() <= given.items(), given
    assert typed["email"]["autocomplete"] == "username" and typed["email"]["inputmode"] == "email"
    assert typed["password"]["autocomplete"] == "current-password" and typed["password"]["type"] == "password"


def alert_of(response):
    """The sentence above the form."""
    found = re.findall(r'<p class="error" role="alert" id="error">(.*?)</p>', response.text)
    assert len(found) == 1, response.text
    return html.unescape(found[0])


FORGOT = "https://example.com/forgot"


@pytest.mark.parametrize("link, hint", [(None, "Wait an hour, then try again."),
                                        (FORGOT, "Wait an hour, or use 'Forgot your password?' below.")])
def test_every_refusal_says_what_helps_and_tells_no_case(make_service, link, hint):
    """Wrong, unknown, no e-mail at all, at the ceiling with the right password: one text."""
    service = make_service(LINKD_FORGOT_URL=link)
    known, full = Customer(service), Customer(service)
    database.change(service.database, full.id, login_failures=100, login_window_ends=int(time.time()) + 3600)
    tried = [(known.email, "wrong"), ("nobody@example.com", "wrong"), ("nonsense", "wrong"), (full.email, "wrong"),
             (full.email, full.password)]
    answers = [try_login(service, *one)[0] for one in tried]
    texts = {alert_of(answer) for answer in answers}
    assert {answer.status for answer in answers} == {401} and len(texts) == 1, texts
    text, = texts
    assert text.startswith("E-mail or password is not right. If you are sure that both are right: ") and text.endswith(hint)
    assert all((FORGOT in answer.page.links) == (link is not None) for answer in answers)


@pytest.mark.parametrize("link, hint", [(None, "then try again."),
                                        (FORGOT, "then try again, or use 'Forgot your password?' below.")])
def test_too_many_tries_say_how_long(make_service, link, hint):
    service = make_service(LINKD_FORGOT_URL=link)
    phone = Phone(service)
    phone.open()
    for _ in range(5):
        assert phone.login("nobody@example.com", "wrong").status == 401
    answer = phone.login("nobody@example.com", "wrong")
    assert answer.status == 429 and alert_of(answer) == "Too many tries. Please wait 15 minutes, " + hint
    assert (FORGOT in answer.page.links) == (link is not None)


def test_a_late_body_does_not_use_up_the_floor(service, customer):
    """Else its sender could aim at the moment between a stranger's answer and a customer's."""
    phone = Phone(service)
    phone.open()
    target, form = phone.last.page.submit("/link/login")
    body = urllib.parse.urlencode({**form, "email": customer.email, "password": "wrong-password-1"}).encode()
    raw = wire.request("POST", target, [*phone.headers({"Origin": phone.origin}).items(),
                                        ("Content-Type", "application/x-www-form-urlencoded")], body,
                       host=urllib.parse.urlsplit(service.url).netloc)
    with contextlib.closing(wire.connect(service.url)) as sock:
        sock.sendall(raw[:-1])
        time.sleep(0.55)
        began = time.monotonic()
        sock.sendall(raw[-1:])
        answer = sock.recv(4096)
        assert answer.startswith(b"HTTP/1.1 401 "), answer[:300]
        assert time.monotonic() - began >= 0.59


def test_a_right_login_is_quick(service, customer):
    response, seconds = try_login(service, customer.email, customer.password)
    assert response.status == 200 and seconds < 1.0


BAD = {"wrong": "nope", "empty": "", "one more": "{p}x", "one less": "{p-1}", "capitals": "{P}",
       "space": "{p} ",
       "1025 bytes": "a" * 1025}


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_password_is_401(service, customer, name):
    given = BAD[name].replace("{p}", customer.password).replace("{p-1}", customer.password[:-1])
    given = given.replace("{P}", customer.password.swapcase())
    assert try_login(service, customer.email, given)[0].status == 401


@pytest.mark.parametrize("password", ["x" * 72 + "A", "a" * 1024, "pä🙂ss wörd", "a&b=c%20d+e", "  spaces  ",
                                      "<b>&quot;"])
def test_unusual_passwords_work_whole(service, password):
    customer = Customer(service, password=password)
    assert try_login(service, customer.email, password)[0].status == 200
    assert try_login(service, customer.email, password[:-1] + "B")[0].status == 401


def test_mail_addresses_are_trimmed_and_lower_cased(service, customer):
    for typed in (customer.email.upper(), f"  {customer.email}\t", customer.email.capitalize()):
        assert try_login(service, typed, customer.password)[0].status == 200, typed


def test_an_address_stored_with_capitals_is_found_as_typed_only(service, customer):
    mixed = customer.email.replace("mail", "MaiL")
    database.change(service.database, customer.id, email=mixed)
    assert try_login(service, mixed, customer.password)[0].status == 200
    assert try_login(service, mixed.lower(), customer.password)[0].status == 401


TRICKS = ["{e}.", "{e} x", "{u}@@example.com", "{u}", "@example.com", "", "a" * 250 + "@e.com",
          "{u}%@example.com", "'{e}",
          "{e}' OR '1'='1", '"{u}"@example.com', "{u}@EXAMPLE.com.", "{u}@ｅxample.com", "{k}",
          "*@example.com", ":v", "#n"]


@pytest.mark.parametrize("trick", TRICKS)
def test_tricks_with_the_address_are_wrong_logins(service, customer, trick):
    user = customer.email.split("@")[0]
    typed = trick.replace("{e}", customer.email).replace("{u}", user).replace("{k}",
                                                                              customer.email.replace("i",
                                                                                                     "\u0131",
                                                                                                     1))
    with database.unchanged(service):
        assert try_login(service, typed, customer.password)[0].status == 401


def test_two_customers_of_one_address_cannot_log_in(service, customer):
    twin = Customer(service)
    database.change(service.database, twin.id, email=customer.email)
    assert try_login(service, customer.email, customer.password)[0].status == 401
    assert try_login(service, customer.email, twin.password)[0].status == 401
    assert service.logged(lambda one: one["level"] == "error"), "several of one address is an alarm"


def test_customer_without_password(service, customer):
    for stored in (None, "", "x", "$argon2id$x", "*", "!", "0" * 39):
        database.change(service.database, customer.id, password=stored)
        assert try_login(service, customer.email, stored or "")[0].status == 401


def test_what_was_typed_is_escaped(service):
    typed = '"><script>alert(1)</script>@x'
    answer, _ = try_login(service, typed, "p")
    assert answer.status == 401 and "<script" not in answer.text
    assert answer.page.submit("/link/login")[1]["email"] == typed
